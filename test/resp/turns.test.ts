/** One client's pipeline of small writes into large values, and the others meanwhile. */
import { describe, expect, it } from 'vitest';
import { settledBytes, staysWell } from '../support/hostile-acts.js';
import { connect, say, start } from '../support/open-front.js';
import { respCommand } from '../support/resp-client.js';

const VALUE_BYTES = 4 * 1024 * 1024;
const WRITES = 200;

/** Two values by turns: the writes of one of them that follow one another have one record. */
const keyOf = (index: number) => `big:${index % 2}`;

describe.each([
  ['SETBIT, which the host runs', (index: number) => ['SETBIT', keyOf(index), String(index), '1'], 0],
  ['APPEND, which the kernel runs', (index: number) => ['APPEND', keyOf(index), 'x'], WRITES / 2],
])('%s', (_, write, growth) => {
  it('lets other clients have their turn between the writes, and loses none', async () => {
    const { primary } = await start({ shards: 1, backlogBytes: 1_048_576 });
    const [writer, other] = await Promise.all([connect(primary), connect(primary)]);
    for (const key of ['big:0', 'big:1']) {
      expect(await writer.command('SETRANGE', key, String(VALUE_BYTES - 1), 'x')).toBe(VALUE_BYTES);
    }
    const before = settledBytes();
    const emitted = primary.watermarks()[0]!;
    writer.write(Buffer.concat(Array.from({ length: WRITES }, (__, index) => respCommand(...write(index)))));
    expect(await say(other, 'PING')).toBe('+PONG');
    expect(primary.watermarks()[0]! - emitted).toBeLessThan(BigInt(WRITES));
    await writer.replies(WRITES);
    expect(primary.watermarks()[0]! - emitted).toBe(BigInt(WRITES));
    expect(await say(other, 'STRLEN', 'big:1')).toBe(String(VALUE_BYTES + growth));
    await staysWell(primary, before);
  });

  it('leaves as one record of a value for all writes of a turn that follow one another', async () => {
    const { primary } = await start({ shards: 1, backlogBytes: 1_048_576 });
    const writer = await connect(primary);
    await writer.command('SETRANGE', 'big:0', String(VALUE_BYTES - 1), 'x');
    const emitted = primary.watermarks()[0]!;
    writer.write(Buffer.concat(Array.from({ length: WRITES }, (__, at) => respCommand(...write(2 * at)))));
    await writer.replies(WRITES);
    // A turn ends where a chunk of the socket does.
    expect(primary.watermarks()[0]! - emitted).toBeLessThan(BigInt(WRITES / 10));
  });
});

it('a transaction still runs in one go', async () => {
  const { primary } = await start({ shards: 1, backlogBytes: 1_048_576 });
  const [writer, other] = await Promise.all([connect(primary), connect(primary)]);
  await writer.command('SETRANGE', 'big', String(VALUE_BYTES - 1), 'x');
  const set = (index: number) => respCommand('SETBIT', 'big', String(index), '1');
  const sets = Array.from({ length: 20 }, (_, index) => set(index));
  writer.write(Buffer.concat([respCommand('MULTI'), ...sets, respCommand('EXEC')]));
  const seen = new Set<string>();
  let isDone = false;
  const all = writer.replies(22).then(() => {
    isDone = true;
  });
  while (!isDone) seen.add(await say(other, 'BITCOUNT', 'big', '0', '2'));
  await all;
  seen.add(await say(other, 'BITCOUNT', 'big', '0', '2'));
  expect([...seen].filter((count) => count !== '0' && count !== '20')).toEqual([]);
});
