/**
 * Writes of a part of a large value: those that follow one another leave as one record, before anything else
 * does.
 */
import '../support/debug-kernel.js';

import { describe, expect, it } from 'vitest';
import type { ShardEngineOptions } from '../../src/engine/engine-options.js';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import { decodeBatch } from '../../src/frame/batch.js';
import { contentOf, newEngine, newReplica } from '../support/engines.js';
import { RandomSource } from '../support/random.js';
import { command, RespDriver } from '../support/resp-driver.js';

const LARGE = 65_536;
const MIB = 1024 * 1024;
const bytes = (text: string) => Buffer.from(text);

/** A store, what it has emitted as `op key length`, and the payloads. */
function emitting(options: Partial<ShardEngineOptions> = {}) {
  const engine = newEngine({ shards: 1, ...options });
  const records: string[] = [];
  const payloads: Buffer[] = [];
  engine.onBatch = ({ payload }) => {
    payloads.push(Buffer.from(payload));
    for (const { op, key, value } of decodeBatch(Buffer.from(payload)).records) {
      records.push(`${op} ${key} ${value.length}`);
    }
  };
  /** The records that were emitted since, with the open frame. */
  const emitted = () => {
    engine.kernel.invariants();
    engine.flush();
    return records.splice(0);
  };
  return { engine, emitted, payloads };
}

function write(engine: ShardEngine, key: string, offset: number): void {
  expect(engine.values.overwrite(bytes(key), offset, bytes('x'))).toBe(true);
}

describe('of a large value', () => {
  function withLarge(options: Partial<ShardEngineOptions> = {}) {
    const made = emitting(options);
    made.engine.set(bytes('big'), Buffer.alloc(LARGE));
    made.engine.set(bytes('other'), Buffer.alloc(LARGE));
    made.engine.flush();
    made.emitted();
    return made;
  }

  it('all that follow one another are one record, of the value as it then is', () => {
    const { engine, emitted, payloads } = withLarge();
    for (let at = 0; at < 1_000; at++) write(engine, 'big', at);
    write(engine, 'big', LARGE + 99);
    expect(emitted()).toEqual([`set big ${LARGE + 100}`]);
    const [record] = decodeBatch(payloads.at(-1)!).records;
    expect(record!.value.equals(engine.get(bytes('big'))!)).toBe(true);
  });

  it.each<[string, (engine: ShardEngine) => void, string[]]>([
    ['a write to another key', (engine) => engine.set(bytes('k'), bytes('v')), ['set k 1']],
    ['another one of these', (engine) => write(engine, 'other', 0), [`set other ${LARGE}`]],
    ['its deletion', (engine) => void engine.del(bytes('big')), ['del big 0']],
    ['its expiry', (engine) => void engine.expire(bytes('big'), 2n ** 50n), ['expire big 0']],
    ['its copy', (engine) => void engine.values.copy(bytes('big'), bytes('c')), [`set c ${LARGE}`]],
    ['a look at the watermark', (engine) => expect(engine.watermark(0)).toBe(3n), []],
    ['a flush of what is old enough', (engine) => void engine.flushDue(1e9), []],
    ['the end as a primary', (engine) => engine.setReplica(true), []],
  ])('it leaves before %s', (_, act, then) => {
    const { engine, emitted } = withLarge();
    write(engine, 'big', 1);
    write(engine, 'big', 2);
    act(engine);
    expect(emitted()).toEqual([`set big ${LARGE}`, ...then]);
  });

  it('the host is called for it, and it leaves with the next flush', () => {
    const { engine, emitted } = withLarge();
    let calls = 0;
    engine.onDirty = () => {
      calls += 1;
    };
    write(engine, 'big', 1);
    write(engine, 'big', 2);
    expect(calls).toBe(1);
    expect(emitted()).toEqual([`set big ${LARGE}`]);
    expect(emitted()).toEqual([]);
  });

  it('each has its record when every record is to leave at once', () => {
    const { engine, emitted } = withLarge({ batchMaxRecords: 1 });
    write(engine, 'big', 1);
    write(engine, 'big', 2);
    expect(emitted()).toEqual([`set big ${LARGE}`, `set big ${LARGE}`]);
  });
});

it('of a smaller value each has its record', () => {
  const { engine, emitted } = emitting();
  engine.set(bytes('small'), Buffer.alloc(LARGE - 1));
  emitted();
  write(engine, 'small', 1);
  write(engine, 'small', 2);
  expect(emitted()).toEqual([`set small ${LARGE - 1}`, `set small ${LARGE - 1}`]);
});

it.each([
  ['memory enough', {}],
  ['little memory', { maxMemoryBytes: 6 * MIB }],
])('a replica has what the primary has, whatever comes between, with %s', (_, options) => {
  const { engine, payloads } = emitting({ shards: 2, ...options });
  engine.limitMemory({ maxBytes: 3 * MIB, policy: 'allkeys-random' });
  const replica = newReplica({ shards: 2 });
  const driver = new RespDriver(engine);
  const random = new RandomSource(12);
  const key = () => `key:${random.below(6)}`;
  for (let round = 0; round < 400; round++) {
    engine.makeRoom();
    for (let act = random.below(12); act > 0; act--) {
      const some = random.pick([
        () => command('SET', key(), random.bytes(random.below(2 * LARGE))),
        () => command('SET', key(), 'v', 'PX', '100'),
        () => command('APPEND', key(), random.bytes(random.below(5_000))),
        () => command('APPEND', key(), 'x'),
        () => command('APPEND', 'key:0', random.bytes(random.below(100))),
        () => command('DEL', key()),
        () => command('PEXPIRE', key(), '1000'),
      ]);
      driver.run(some());
      if (random.chance(0.3)) engine.values.overwrite(bytes(key()), random.below(2 * LARGE), bytes('part'));
      if (random.chance(0.05)) engine.kernel.invariants();
    }
    if (random.chance(0.2)) engine.compact(1_000);
    engine.flush();
    for (const payload of payloads.splice(0)) replica.apply(payload);
    expect(replica.watermarks()).toEqual(engine.watermarks());
  }
  engine.kernel.invariants();
  expect(contentOf(replica)).toEqual(contentOf(engine));
});
