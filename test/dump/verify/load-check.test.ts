import { expect, it } from 'vitest';
import { verifyDump } from '../../../src/dump/verify/verify-dump.js';
import { FastcacheError } from '../../../src/errors.js';
import { encodeHelloFrame } from '../../../src/frame/hello.js';
import { type Compression, DumpBuilder } from '../../support/dump-builder.js';
import { foldBytes } from '../../support/fold-bytes.js';
import { RandomSource } from '../../support/random.js';

const DUMPS = 150;
const BASE = 1000n;

/** Frames of one store from its beginning, snapshots and all, which a dump may hold in any choice. */
function framesOf(compression: Compression, history: string): Buffer[] {
  const build = new DumpBuilder(2, compression, BASE);
  const hello = () =>
    encodeHelloFrame(
      { role: 'replica', watermarks: build.watermarks },
      {
        margin: new Map([
          ['history', history.repeat(32)],
          ['base', `${BASE}`],
        ]),
      },
    );
  return [
    hello(),
    build.batch(0, 2),
    build.batch(1, 2),
    ...build.snapshot(2),
    build.batch(0, 2),
    hello(),
    build.begin(),
    build.chunk(0, false),
    build.batch(1, 2),
    build.chunk(1, true, 0),
    build.end(),
    build.batch(0, 2),
  ];
}

/**
 * Most of the frames in their order, now and then with one of another history, one twice, or a bit flipped.
 */
function choose(random: RandomSource, frames: readonly Buffer[], others: readonly Buffer[]): Buffer {
  const first = random.below(frames.length);
  const chosen = frames.slice(random.below(2) === 0 ? 0 : first).flatMap((frame) => {
    if (random.below(12) === 0) return [];
    if (random.below(20) === 0) return [frame, frame];
    return random.below(20) === 0 ? [random.pick(others), frame] : [frame];
  });
  const dump = Buffer.concat(chosen);
  if (dump.length > 0 && random.below(6) === 0) dump[random.below(dump.length)]! ^= 1 << random.below(8);
  return dump;
}

function foldFault(dump: Buffer): string | undefined {
  try {
    foldBytes(dump);
    return undefined;
  } catch (error) {
    if (error instanceof FastcacheError) return error.code;
    throw error;
  }
}

async function* inOne(dump: Buffer): AsyncGenerator<Buffer> {
  yield dump;
}

it('a dump is loadable exactly when its fold leads to a key space', async () => {
  const random = new RandomSource(12);
  const pools = [framesOf('none', 'a'), framesOf('zstd', 'b')];
  const seen = { loadable: 0, refused: 0 };
  for (let n = 0; n < DUMPS; n += 1) {
    const dump = choose(random, pools[n % 2]!, pools[(n + 1) % 2]!);
    const { loadFault } = await verifyDump(inOne(dump));
    expect([n, loadFault === undefined]).toEqual([n, foldFault(dump) === undefined]);
    if (loadFault === undefined) seen.loadable += 1;
    else seen.refused += 1;
  }
  expect(seen.loadable).toBeGreaterThan(DUMPS / 20);
  expect(seen.refused).toBeGreaterThan(DUMPS / 20);
});
