/**
 * Dumps that were damaged at random, from a seed: verify and salvage of each end, soon and in little memory,
 * and what is salvaged has nothing wrong in its frames. FASTCACHE_TEST_MUTANTS says how many.
 */
import { afterAll, expect, it } from 'vitest';
import { encodeErrorText } from '../../../src/frame/error-text.js';
import { encodeHelloFrame } from '../../../src/frame/hello.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { type Compression, DumpBuilder } from '../../support/dump-builder.js';
import { hostileFrames } from '../../support/hostile-frames.js';
import { RandomSource } from '../../support/random.js';
import { bytesOf } from '../../support/raw-frames.js';
import { Salvager, verifyBytes } from '../../support/verify-bytes.js';

const MUTANTS = Number(process.env.FASTCACHE_TEST_MUTANTS ?? 20_000);
const SEED = Number(process.env.FASTCACHE_TEST_SEED ?? 6);
/** Resident memory may grow by this; a leak of a few kilobytes a mutant would show. */
const MAX_GROWTH_BYTES = 268_435_456;

/** Faults that damage leaves between frames, or that were there before; none is a frame's own. */
const ofSequences = new Set([
  'SEQUENCE_GAP',
  'SEQUENCE_OUT_OF_ORDER',
  'SHARD_OUT_OF_RANGE',
  'SHARD_MISROUTED',
  'SHARD_COUNT_DIFFERS',
  'WATERMARK_FELL',
]);

const salvager = new Salvager();
afterAll(() => salvager.close());

function soundDumps(): Buffer[] {
  return (['none', 'zstd'] as Compression[]).map((compression) => {
    const build = new DumpBuilder(2, compression);
    const hello = encodeHelloFrame(
      { role: 'replica', watermarks: build.watermarks },
      {
        margin: new Map([
          ['history', 'a'.repeat(32)],
          ['base', '0'],
        ]),
      },
    );
    const parts = [hello, ...build.snapshot(), build.batch(0, 3), build.batch(1, 2, 0), build.ack()];
    parts.push(build.begin(), build.chunk(0, false), build.batch(0, 2), build.chunk(1, true, 0), build.end());
    parts.push(build.frame(FrameKind.Error, encodeErrorText('sorry')), build.batch(1, 4, 100));
    return bytesOf(...parts);
  });
}

function mutate(random: RandomSource, dump: Buffer, others: readonly Buffer[]): Buffer {
  const at = random.below(dump.length);
  const cut = Math.min(dump.length, at + 1 + random.skewed(dump.length));
  switch (random.below(7)) {
    case 0: {
      const copy = Buffer.from(dump);
      copy[at]! ^= 1 << random.below(8);
      return copy;
    }
    case 1:
      return dump.subarray(0, at);
    case 2:
      return bytesOf(dump.subarray(0, at), dump.subarray(cut));
    case 3: {
      const other = random.pick(others);
      const from = random.below(other.length);
      return bytesOf(
        dump.subarray(0, at),
        other.subarray(from, from + random.skewed(other.length)),
        dump.subarray(at),
      );
    }
    case 4:
      return bytesOf(dump.subarray(0, at), random.bytes(random.skewed(200)), dump.subarray(cut));
    case 5: {
      // A length, mostly of a header: four bytes behind a magic.
      const copy = Buffer.from(dump);
      const magic = copy.indexOf('FCRP', at);
      const place = magic === -1 ? at : magic + random.pick([8, 12, 16, 20, 61, 65]);
      const value = random.pick([
        0,
        1,
        15,
        255,
        4096,
        0x0fff_ffff,
        0x1000_0000,
        0xffff_ffff,
        random.skewed(5000),
      ]);
      if (place + 4 <= copy.length) copy.writeUInt32LE(value, place);
      return copy;
    }
    default:
      return bytesOf(dump.subarray(0, at), dump.subarray(Math.max(0, at - random.skewed(500))));
  }
}

it(`${MUTANTS} mutants are verified and salvaged`, { timeout: 180_000 + MUTANTS * 20 }, async () => {
  const random = new RandomSource(SEED);
  const sound = soundDumps();
  for (const dump of sound) expect(verifyBytes(dump).places).toEqual([]);
  const others = [...sound, ...hostileFrames.map(({ bytes }) => bytes)];
  const residentBytes = process.memoryUsage.rss();
  let damaged = 0;
  let lossless = 0;
  for (let mutant = 0; mutant < MUTANTS; mutant++) {
    // Signal handlers that were taken off are freed between turns.
    if (mutant % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    let bytes = random.pick(sound);
    for (let steps = random.between(1, 4); steps > 0 && bytes.length > 0; steps--) {
      bytes = mutate(random, bytes, others);
    }
    const pieceBytes = random.chance(0.5) ? bytes.length : random.between(20, 2000);
    const whole = verifyBytes(bytes);
    if (random.chance(0.2))
      expect(verifyBytes(bytes, { pieceBytes }).places, `mutant ${mutant}`).toEqual(whole.places);
    expect(whole.content.bytes, `mutant ${mutant}`).toBe(bytes.length);
    const { saved, losses } = salvager.salvage(bytes, pieceBytes);
    const lostBytes = losses.reduce((sum, loss) => sum + loss.bytes, 0);
    expect(saved.length + lostBytes, `mutant ${mutant}`).toBe(bytes.length);
    const again = verifyBytes(saved);
    const wrong = again.faults.filter(({ code }) => !ofSequences.has(code));
    expect(
      wrong.map(({ message }) => message),
      `mutant ${mutant}`,
    ).toEqual([]);
    if (whole.faults.length > 0) damaged++;
    if (losses.length === 0) {
      lossless++;
      expect(saved.equals(bytes), `mutant ${mutant}`).toBe(true);
    }
  }
  expect(process.memoryUsage.rss() - residentBytes).toBeLessThan(MAX_GROWTH_BYTES);
  expect(damaged).toBeGreaterThan(MUTANTS * 0.8);
  expect(lossless).toBeLessThan(MUTANTS * 0.3);
});
