/**
 * The kernel's RESP parser: the commands that it hands out, the bytes that it refuses, and that no bytes of a
 * client trap or hang it.
 */
import '../../support/debug-kernel.js';

import { describe, expect, it } from 'vitest';
import * as layout from '../../../src/kernel/layout.js';
import { newEngine, newReplica } from '../../support/engines.js';
import { RandomSource } from '../../support/random.js';
import { command, RespDriver } from '../../support/resp-driver.js';

const PING = '*1\r\n$4\r\nPING\r\n';

const newDriver = () => new RespDriver(newEngine());

describe('protocol errors', () => {
  // Each was tried on Redis 7.0.15.
  it.each([
    ['*x\r\n', layout.PROTOCOL_MULTIBULK_LENGTH],
    ['*\r\n', layout.PROTOCOL_MULTIBULK_LENGTH],
    ['*12x\r\n', layout.PROTOCOL_MULTIBULK_LENGTH],
    ['*+1\r\n', layout.PROTOCOL_MULTIBULK_LENGTH],
    ['*01\r\n', layout.PROTOCOL_MULTIBULK_LENGTH],
    ['*-0\r\n', layout.PROTOCOL_MULTIBULK_LENGTH],
    ['*2147483648\r\n', layout.PROTOCOL_MULTIBULK_LENGTH],
    ['*9999999999999999999999\r\n', layout.PROTOCOL_MULTIBULK_LENGTH],
    ['*-99999999999999999999\r\n', layout.PROTOCOL_MULTIBULK_LENGTH],
    ['*1\r\n$-1\r\n', layout.PROTOCOL_BULK_LENGTH],
    ['*1\r\n$\r\n', layout.PROTOCOL_BULK_LENGTH],
    ['*1\r\n$abc\r\n', layout.PROTOCOL_BULK_LENGTH],
    ['*1\r\n$04\r\nPING\r\n', layout.PROTOCOL_BULK_LENGTH],
    ['*1\r\n$-0\r\n\r\n', layout.PROTOCOL_BULK_LENGTH],
    ['*1\r\n$600000000\r\n', layout.PROTOCOL_BULK_LENGTH],
    ['*1\r\n$99999999999999999999\r\n', layout.PROTOCOL_BULK_LENGTH],
    ['*1\r\n#3\r\nabc\r\n', layout.PROTOCOL_EXPECTED_DOLLAR],
    ['*1\r\nPING\r\n', layout.PROTOCOL_EXPECTED_DOLLAR],
    ['*1\r\n\r\n', layout.PROTOCOL_EXPECTED_DOLLAR],
    ['a'.repeat(70_000), layout.PROTOCOL_INLINE_TOO_BIG],
  ])('%j', (bytes, detail) => {
    const before = command('STRLEN', 'k');
    const run = newDriver().run(Buffer.concat([before, Buffer.from(bytes)]));
    expect(run).toMatchObject({ status: layout.STATUS_PROTOCOL_ERROR, detail, consumed: before.length });
    expect(run.replies.toString()).toBe(':0\r\n');
  });

  it('an argument over the limit, and one at it', () => {
    const driver = new RespDriver(newEngine({ maxValueBytes: 1000 }));
    expect(driver.run(Buffer.from('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1001\r\n'))).toMatchObject({
      status: layout.STATUS_PROTOCOL_ERROR,
      detail: layout.PROTOCOL_BULK_LENGTH,
    });
    expect(driver.run(command('SET', 'k', 'v'.repeat(1000))).replies.toString()).toBe('+OK\r\n');
    expect(driver.run(command('APPEND', 'k', 'v')).replies.toString()).toBe(
      '-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n',
    );
    expect(driver.run(command('STRLEN', 'k')).replies.toString()).toBe(':1000\r\n');
  });
});

describe('what is not the kernel’s', () => {
  it('is handed out with its arguments, behind the replies before it', () => {
    const run = newDriver().run(
      Buffer.concat([command('EXISTS', 'k'), command('HSET', 'h', '', 'ü'), command('GET', 'k')]),
    );
    expect(run.status).toBe(layout.STATUS_HANDED_OUT);
    expect(run.args.map(String)).toEqual(['HSET', 'h', '', 'ü']);
    expect(run.replies.toString()).toBe(':0\r\n');
  });

  it('with thousands of arguments', () => {
    const words = Array.from({ length: 5000 }, (_, n) => `word:${n}`);
    expect(
      newDriver()
        .run(command('UNKNOWN', ...words))
        .args.map(String),
    ).toEqual(['UNKNOWN', ...words]);
  });

  it('empty and negative counts are passed over', () => {
    const run = newDriver().run(Buffer.from(`*0\r\n*-5\r\n*-1\r\n${PING}`));
    expect(run).toMatchObject({ status: layout.STATUS_HANDED_OUT });
    expect(run.args.map(String)).toEqual(['PING']);
  });

  it.each([
    ['PING hello\r\n', 'PING hello'],
    ['PING\n', 'PING'],
    ['\r\n', ''],
    ['\n', ''],
    [' SET k "v w" \r\n', ' SET k "v w" '],
  ])('inline %j', (bytes, line) => {
    const run = newDriver().run(Buffer.from(bytes));
    expect(run).toMatchObject({ status: layout.STATUS_INLINE, consumed: bytes.length });
    expect(run.args.map(String)).toEqual([line]);
  });
});

describe('many keys', () => {
  const keys = Array.from({ length: 3000 }, (_, n) => `key:${n}`);
  const pairs = keys.flatMap((key) => [key, `value of ${key}`]);

  it('are set, got, counted and deleted by one command each', () => {
    const driver = newDriver();
    expect(driver.run(command('MSET', ...pairs)).replies.toString()).toBe('+OK\r\n');
    const values = keys.map((key) => `$${key.length + 9}\r\nvalue of ${key}\r\n`).join('');
    expect(driver.run(command('MGET', ...keys, 'nobody')).replies.toString()).toBe(
      `*3001\r\n${values}$-1\r\n`,
    );
    expect(driver.run(command('EXISTS', ...keys, keys[0]!)).replies.toString()).toBe(':3001\r\n');
    expect(driver.run(command('DEL', ...keys, keys[0]!)).replies.toString()).toBe(':3000\r\n');
  });

  it('whose values are larger than the output are got all the same', () => {
    const driver = newDriver();
    const value = Buffer.alloc(200_000, 'v');
    for (const key of keys.slice(0, 10)) driver.run(command('SET', key, value));
    const { replies } = driver.run(
      Buffer.concat([command('MGET', ...keys.slice(0, 10)), command('GET', keys[0]!)]),
    );
    expect(replies.length).toBe(5 + 11 * (2 + 9 + value.length) - 0);
    expect(replies.subarray(0, 14).toString()).toBe('*10\r\n$200000\r\n');
  });
});

it('a replica answers reads and refuses writes', () => {
  const driver = new RespDriver(newReplica());
  const writes = [
    ['SET', 'k', 'v'],
    ['DEL', 'k'],
    ['MSET', 'k', 'v'],
    ['INCR', 'k'],
    ['DECR', 'k'],
    ['INCRBY', 'k', '1'],
    ['DECRBY', 'k', '1'],
    ['APPEND', 'k', 'v'],
    ['EXPIRE', 'k', '9'],
    ['PEXPIRE', 'k', '9'],
    ['EXPIREAT', 'k', '9'],
    ['PEXPIREAT', 'k', '9'],
    ['PERSIST', 'k'],
  ];
  for (const write of writes) {
    expect(driver.run(command(...write)).replies.toString(), write[0]).toBe(
      "-READONLY You can't write against a read only replica.\r\n",
    );
  }
  expect(driver.run(command('GET', 'k')).replies.toString()).toBe('$-1\r\n');
  expect(driver.run(command('TTL', 'k')).replies.toString()).toBe(':-2\r\n');
});

/** Runs hostile input to its end as a server would; it must come to one. Returns what stopped it. */
function runOut(driver: RespDriver, input: Buffer): number {
  let rest = input;
  for (let steps = 0; ; steps++) {
    if (steps > input.length + 1) throw new Error('it goes on without end');
    const run = driver.run(rest);
    rest = rest.subarray(run.consumed);
    if (run.status !== layout.STATUS_HANDED_OUT && run.status !== layout.STATUS_INLINE) return run.status;
    if (run.consumed === 0) throw new Error('it handed out what it did not consume');
    for (const arg of run.args) if (!input.includes(arg)) throw new Error('an argument from elsewhere');
  }
}

describe('hostile input neither traps nor hangs', () => {
  const random = new RandomSource(1105);
  const driver = newDriver();

  it('random bytes', () => {
    for (let round = 0; round < 20_000; round++) runOut(driver, random.bytes(random.skewed(300)));
  });

  it('bytes that look like RESP', () => {
    const pieces = [
      '*',
      '$',
      '\r\n',
      '\r',
      '\n',
      '1',
      '3',
      '0',
      '-',
      '9999999999',
      '4294967295',
      '67108864',
      'SET',
      'GET',
      'k',
      ' ',
      '"',
      '*3\r\n$3\r\nSET\r\n',
      PING,
      '$1\r\nk\r\n',
    ];
    const seen = new Set<number>();
    for (let round = 0; round < 50_000; round++) {
      const text = Array.from({ length: random.between(1, 12) }, () => random.pick(pieces)).join('');
      seen.add(runOut(driver, Buffer.from(text)));
    }
    expect([...seen].sort()).toEqual([
      layout.STATUS_DONE,
      layout.STATUS_INCOMPLETE,
      layout.STATUS_PROTOCOL_ERROR,
    ]);
  });

  it('pipelines with bytes changed, left out and put in', () => {
    for (let round = 0; round < 20_000; round++) {
      const commands = Array.from({ length: random.between(1, 6) }, () =>
        command(
          random.pick(['SET', 'GET', 'MGET', 'MSET', 'APPEND', 'PEXPIREAT', 'INCRBY']),
          'k',
          random.bytes(random.skewed(100)),
          'PX',
          '99999',
        ),
      );
      let bytes = Buffer.concat(commands);
      for (let damage = random.between(1, 4); damage > 0; damage--) {
        const at = random.below(bytes.length);
        const removed = random.below(3);
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          random.bytes(random.below(3)),
          bytes.subarray(at + removed),
        ]);
      }
      runOut(driver, bytes);
    }
  });

  it('and the store still works', () => {
    expect(driver.run(command('SET', 'k', 'sound')).replies.toString()).toBe('+OK\r\n');
    expect(driver.run(command('GET', 'k')).replies.toString()).toBe('$5\r\nsound\r\n');
  });
});
