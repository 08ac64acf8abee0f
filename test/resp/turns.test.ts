/** One client's pipeline of small writes into a large value, and the others meanwhile. */
import { describe, expect, it } from 'vitest';
import { settledBytes, staysWell } from '../support/hostile-acts.js';
import { connect, say, start } from '../support/open-front.js';
import { respCommand } from '../support/resp-client.js';

const VALUE_BYTES = 4 * 1024 * 1024;
const WRITES = 200;

describe.each([
  ['SETBIT, which the host runs', (index: number) => respCommand('SETBIT', 'big', String(index), '1'), 0],
  ['APPEND, which the kernel runs', () => respCommand('APPEND', 'big', 'x'), WRITES],
])('%s', (_, write, growth) => {
  it('lets other clients have their turn between the writes, and loses none', async () => {
    const before = settledBytes();
    const { primary } = await start({ shards: 1, backlogBytes: 1_048_576 });
    const [writer, other] = await Promise.all([connect(primary), connect(primary)]);
    expect(await writer.command('SETRANGE', 'big', String(VALUE_BYTES - 1), 'x')).toBe(VALUE_BYTES);
    const emitted = primary.watermarks()[0]!;
    writer.write(Buffer.concat(Array.from({ length: WRITES }, (__, index) => write(index))));
    expect(await say(other, 'PING')).toBe('+PONG');
    expect(primary.watermarks()[0]! - emitted).toBeLessThan(BigInt(WRITES));
    await writer.replies(WRITES);
    expect(primary.watermarks()[0]! - emitted).toBe(BigInt(WRITES));
    expect(await say(other, 'STRLEN', 'big')).toBe(String(VALUE_BYTES + growth));
    await staysWell(primary, before);
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
