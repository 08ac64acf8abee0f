/**
 * However a client's bytes are cut, their meaning is the same: pipelines, inline commands, long commands in
 * small pieces.
 */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Primary } from '../../src/index.js';
import { RespClient, respCommand } from '../support/resp-client.js';
import { mulberry32 } from '../support/workload.js';

const INPUT_WINDOW_BYTES = 256 * 1024;

let primary: Primary;
let client: RespClient;
beforeAll(async () => {
  primary = await Primary.start({ bind: ':0', listen: ':0' });
  return () => primary.close();
});
beforeEach(async () => {
  client = await RespClient.connect(primary.listenAddress!);
});
afterEach(() => client.close());

/** One turn of the event loop each way, so that the pieces are read one by one. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

/** Sends `bytes` in pieces that end at `cuts`, each in a segment of its own. */
async function sendCut(bytes: Buffer, cuts: readonly number[]): Promise<void> {
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    client.write(bytes.subarray(from, cut));
    from = cut;
    await nextTurn();
  }
}

describe('a pipeline', () => {
  const pipeline = Buffer.concat([
    respCommand('SET', 'k', Buffer.from('a\r\nb')),
    respCommand('GET', 'k'),
    Buffer.from('INCR  counter\r\n'),
    respCommand('MSET', 'a', '', 'b', 'two'),
    respCommand('MGET', 'a', 'b', 'c'),
    Buffer.from('\r\n'),
    respCommand('ECHO', 'handed out'),
    Buffer.from('SET "inline \\x41" \'single quoted\'\n'),
    respCommand('GET', 'inline A'),
    respCommand('NOSUCH', 'x'),
    respCommand('DEL', 'k', 'a', 'b', 'counter', 'inline A'),
  ]);
  const expected = [
    '+OK',
    Buffer.from('a\r\nb'),
    1,
    '+OK',
    [Buffer.from(''), Buffer.from('two'), null],
    Buffer.from('handed out'),
    '+OK',
    Buffer.from('single quoted'),
    "-ERR unknown command 'NOSUCH', with args beginning with: 'x' ",
    5,
  ];

  it('means the same cut in two at every byte', async () => {
    for (let cut = 1; cut < pipeline.length; cut++) {
      await sendCut(pipeline, [cut]);
      expect(await client.replies(expected.length), `cut at ${cut}`).toEqual(expected);
    }
  });

  it('means the same byte by byte', async () => {
    await sendCut(
      pipeline,
      Array.from({ length: pipeline.length - 1 }, (_, index) => index + 1),
    );
    expect(await client.replies(expected.length)).toEqual(expected);
  });

  it('means the same at random cuts, many times over', async () => {
    const random = mulberry32(7);
    const many = Buffer.concat(Array.from({ length: 200 }, () => pipeline));
    const cuts = Array.from({ length: 100 }, () => Math.floor(random() * many.length)).toSorted(
      (a, b) => a - b,
    );
    await sendCut(many, cuts);
    for (let round = 0; round < 200; round++) {
      expect(await client.replies(expected.length)).toEqual(expected);
    }
  });
});

describe('a value', () => {
  it.each([
    INPUT_WINDOW_BYTES - 64,
    INPUT_WINDOW_BYTES,
    INPUT_WINDOW_BYTES + 1,
    1_000_000,
    5 * 1024 * 1024,
    64 * 1024 * 1024,
  ])('of %i bytes is stored and read whole, between other commands', async (bytes) => {
    const value = Buffer.alloc(bytes, 'large value ');
    client.write(Buffer.concat([respCommand('PING'), respCommand('SET', 'large', value)]));
    client.write(Buffer.concat([respCommand('STRLEN', 'large'), respCommand('GET', 'large')]));
    client.write(respCommand('DEL', 'large'));
    expect(await client.replies(3)).toEqual(['+PONG', '+OK', bytes]);
    const read = (await client.reply()) as Buffer;
    expect(read.equals(value)).toBe(true);
    expect(await client.reply()).toBe(1);
  });

  it('that is large and cut at random is stored whole', async () => {
    const random = mulberry32(11);
    const value = Buffer.alloc(700_000, 'cut ');
    const bytes = Buffer.concat([
      respCommand('SET', 'large', value, 'PX', '60000'),
      respCommand('GET', 'large'),
      respCommand('PING'),
    ]);
    for (let round = 0; round < 5; round++) {
      const cuts = Array.from({ length: 20 }, () => Math.floor(random() * bytes.length)).toSorted(
        (a, b) => a - b,
      );
      await sendCut(bytes, cuts);
      const [stored, read, pong] = await client.replies(3);
      expect([stored, (read as Buffer).equals(value), pong]).toEqual(['+OK', true, '+PONG']);
    }
  });
});

describe('a command of many small arguments', () => {
  it('of a megabyte, sent in small pieces, is executed once and whole', async () => {
    const pairs = Array.from({ length: 40_000 }, (_, index) => [`many:${index}`, `v${index}`]).flat();
    const mset = respCommand('MSET', ...pairs);
    expect(mset.length).toBeGreaterThan(1_000_000);
    for (let at = 0; at < mset.length; at += 1_400) {
      client.write(mset.subarray(at, at + 1_400));
      if (at % 14_000 === 0) await nextTurn();
    }
    expect(await client.reply()).toBe('+OK');
    const keys = pairs.filter((_, index) => index % 2 === 0);
    const values = (await client.command('MGET', ...keys)) as Buffer[];
    expect(values.map(String)).toEqual(pairs.filter((_, index) => index % 2 === 1));
    expect(await client.command('DEL', ...keys)).toBe(40_000);
  });
});
