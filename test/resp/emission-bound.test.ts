/**
 * The bound of one transaction's and one script's emissions: each is atomic, and a small write may emit a
 * large value.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Primary } from '../../src/index.js';
import { connect, say, start } from '../support/open-front.js';
import { type RespClient, respCommand } from '../support/resp-client.js';

const VALUE_BYTES = 60 * 1024 * 1024;
/** More than two thirds of so many writes of such values are too much. */
const WRITES = 27;

let primary: Primary;
let client: RespClient;
beforeEach(async () => {
  ({ primary } = await start({ shards: 1, backlogBytes: 1_048_576 }));
  client = await connect(primary);
});

/** Makes a transaction of these commands and returns EXEC's answer, as text. */
async function transaction(commands: readonly (readonly string[])[]): Promise<string> {
  const all = [['MULTI'], ...commands, ['EXEC']];
  client.write(Buffer.concat(all.map((args) => respCommand(...args))));
  return String((await client.replies(all.length)).at(-1));
}

const byTurns = (write: (key: string, at: number) => readonly string[]) =>
  Array.from({ length: WRITES }, (_, at) => write(`big:${at % 2}`, at));

describe('a transaction', () => {
  it('is one record of a value for all its writes to parts of it', async () => {
    await say(client, 'SETRANGE', 'big', String(VALUE_BYTES - 1), 'x');
    const before = primary.watermarks()[0]!;
    const sets = Array.from({ length: 2_000 }, (_, at) => ['SETBIT', 'big', String(at), '1']);
    expect(await transaction(sets)).toBe(Array(2_000).fill('0').join());
    expect(primary.watermarks()[0]! - before).toBe(1n);
    expect(await say(client, 'BITCOUNT', 'big', '0', '249')).toBe('2000');
  });

  it('of which it is known that it would emit too much is refused, and nothing of it is done', async () => {
    for (const key of ['big:0', 'big:1']) await say(client, 'SETRANGE', key, String(VALUE_BYTES - 1), 'x');
    const before = primary.watermarks()[0];
    expect(await transaction(byTurns((key, at) => ['SETBIT', key, String(at), '1']))).toMatch(
      /^-EXECABORT Transaction discarded because of: it would emit \d+ bytes .*: divide it/,
    );
    expect(primary.watermarks()[0]).toBe(before);
    expect(await transaction([['SETBIT', 'big:0', '1', '1']])).toBe('0');
  });

  it.each([
    ['BITFIELD', (key: string) => ['BITFIELD', key, 'GET', 'u8', '0', 'INCRBY', 'u8', '0', '1']],
    ['BITOP', (key: string) => ['BITOP', 'OR', 'target', 'small', key]],
  ])('of %s, too', async (_, write) => {
    for (const key of ['big:0', 'big:1']) await say(client, 'SETRANGE', key, String(VALUE_BYTES - 1), 'x');
    expect(await transaction(byTurns(write))).toContain('it would emit');
  });

  it('of BITFIELD that only reads is run', async () => {
    for (const key of ['big:0', 'big:1']) await say(client, 'SETRANGE', key, String(VALUE_BYTES - 1), 'x');
    expect(await transaction(byTurns((key) => ['BITFIELD', key, 'GET', 'u8', '0']))).toBe(
      Array(WRITES).fill('0').join(),
    );
  });

  it('of which that is not known ends in errors once it has emitted as much as it may', async () => {
    const answers = await transaction(byTurns((key, at) => ['SETRANGE', key, String(VALUE_BYTES - at), 'x']));
    const refused = answers.match(/-ERR this transaction or script has emitted 1073741824 bytes/g);
    expect(refused?.length).toBe(WRITES - 19);
    expect(primary.watermarks()[0]! - BigInt(primary.base)).toBe(18n + 1n);
    expect(await transaction([['SET', 'small', 'v']])).toBe('+OK');
  });
});

it('a script fails once it has emitted as much as it may', async () => {
  await say(client, 'SETRANGE', 'big', String(VALUE_BYTES - 1), 'x');
  const script = `for at = 1, ${WRITES} do redis.call('COPY', 'big', 'copy', 'REPLACE') end`;
  expect(await say(client, 'EVAL', script, '0')).toContain('has emitted 1073741824 bytes of records');
  expect(primary.watermarks()[0]! - BigInt(primary.base)).toBeLessThan(40n);
  expect(await say(client, 'EVAL', "return redis.call('SET', 'small', 'v')", '0')).toBe('+OK');
});
