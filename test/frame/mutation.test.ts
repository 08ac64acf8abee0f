import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FastcacheError } from '../../src/errors.js';
import { decodeStream } from '../support/decode-stream.js';
import { anyFrame, cutAt } from '../support/frame-arbitraries.js';

const golden = fileURLToPath(new URL('../../fixtures/golden/', import.meta.url));
const samples = readdirSync(golden)
  .filter((name) => name.endsWith('.fcrp') && name !== 'all.fcrp')
  .map((name) => readFileSync(`${golden}${name}`));

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** A way to damage a stream: other bytes in the place of some, some left out, some twice. */
const anyDamage = fc.record({
  place,
  removed: fc.constantFrom(0, 1, 2, 4, 8, 53),
  inserted: fc.oneof(
    fc.uint8Array({ maxLength: 8 }),
    fc
      .constantFrom([0xff, 0xff, 0xff, 0xff], [0, 0, 0, 0], [0, 0, 0, 0x10])
      .map((bytes) => Uint8Array.from(bytes)),
  ),
});

it('a damaged stream is decoded, or refused with a code and a place inside it', () => {
  const anyStream = fc.array(fc.oneof(anyFrame, fc.constantFrom(...samples)), { minLength: 1, maxLength: 3 });
  let refused = 0;
  fc.assert(
    fc.property(
      anyStream,
      fc.array(anyDamage, { minLength: 1, maxLength: 3 }),
      place,
      (frames, damages, cut) => {
        let stream = Buffer.concat(frames);
        for (const { place: at, removed, inserted } of damages) {
          const start = Math.floor(at * stream.length);
          stream = Buffer.concat([stream.subarray(0, start), inserted, stream.subarray(start + removed)]);
        }
        try {
          decodeStream(cutAt(stream, [cut]), () => {});
        } catch (error) {
          if (!(error instanceof FastcacheError)) throw error;
          refused += 1;
          expect(error.code).toMatch(/^FCRP_/);
          expect(error.offset).toBeGreaterThanOrEqual(0);
          expect(error.offset).toBeLessThanOrEqual(stream.length);
        }
      },
    ),
    { numRuns: 3000 },
  );
  expect(refused).toBeGreaterThan(1000);
});

it('bytes of nothing in particular are refused as such', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), (bytes) => {
      fc.pre(bytes[0] !== 0x46);
      expect(() => decodeStream([bytes], () => {})).toThrow(
        expect.objectContaining({ code: 'FCRP_BAD_MAGIC', offset: 0 }),
      );
    }),
  );
});
