/** The connection to a server that is compared. */
import { expect, it } from 'vitest';
import { type ComparingProbe, serverSide } from '../../src/compare/side.js';
import { encodeAnswer } from '../../src/frame/compare.js';
import { VirtualWorld } from '../support/virtual-world.js';

const SHARDS = encodeAnswer({
  answers: 'shards',
  isPrimary: true,
  hasDigests: true,
  history: undefined,
  shards: [{ watermark: 1n, sum: 2n, second: 3n, keys: 4n }],
});

it('a server hears at least every 20 s of who compares, and one question at a time', async () => {
  const world = new VirtualWorld();
  const asked: string[] = [];
  let open = 0;
  const question = async <T>(name: string, answer: T): Promise<T> => {
    asked.push(name);
    open += 1;
    expect(open).toBe(1);
    await Promise.resolve();
    open -= 1;
    return answer;
  };
  const probe: ComparingProbe = {
    margin: new Map([['compare', 'yes']]),
    ask: () => question('status', Buffer.alloc(0)),
    compare: () => question('shards', SHARDS),
    close: () => asked.push('closed'),
  };
  const side = serverSide('here', probe, world.seams.timers);
  for (let at = 0; at < 3; at++) {
    world.run(20_000);
    const answer = await side.ask({ asks: 'shards' }, () => {});
    expect(answer).toMatchObject({ answers: 'shards', shards: [{ keys: 4n }] });
  }
  side.close();
  world.run(100_000);
  expect(asked).toEqual(['status', 'shards', 'status', 'shards', 'status', 'shards', 'closed']);
});
