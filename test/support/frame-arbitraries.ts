/** The parts of frames, at random: shapes for fast-check, and streams cut at random places. */
import fc from 'fast-check';
import { encodeBatch, type MutationRecord } from '../../src/frame/batch.js';
import { encodeErrorText } from '../../src/frame/error-text.js';
import { encodeFrame } from '../../src/frame/frame.js';
import { encodeHello, encodeHelloFrame, type Hello } from '../../src/frame/hello.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { encodeSnapshotChunk, encodeSnapshotEntries, type SnapshotEntry } from '../../src/frame/snapshot.js';
import { encodeWatermarks } from '../../src/frame/watermarks.js';

export const anyU64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
/** Null, or any u64 but the one that means none. */
export const anyExpiry = fc.option(fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_fffen }), { nil: null });
export const anyBytes = fc.uint8Array({ maxLength: 40 });
export const anyWatermarks = fc.array(anyU64, { maxLength: 9 });
/** Any Unicode text that UTF-8 can carry: no lone surrogates. */
export const anyText = fc.string({ unit: 'binary', maxLength: 30 });

export const anyRecord: fc.Arbitrary<MutationRecord> = fc.record({
  shard: fc.nat(0xffff_ffff),
  sequence: anyU64,
  timestampMs: anyU64,
  op: fc.constantFrom('set', 'del', 'expire'),
  keyHash: anyU64,
  expireAtMs: anyExpiry,
  key: anyBytes,
  value: anyBytes,
});

export const anyEntry: fc.Arbitrary<SnapshotEntry> = fc.record({
  key: anyBytes,
  value: anyBytes,
  expireAtMs: anyExpiry,
});

export const anyHello: fc.Arbitrary<Hello> = fc.record({
  version: fc.constant(1),
  role: fc.constantFrom('replica', 'service-subscriber'),
  token: fc.option(
    anyText.filter((text) => text !== ''),
    { nil: undefined },
  ),
  watermarks: fc.option(anyWatermarks, { nil: undefined }),
});

export const anyMargin = fc
  .uniqueArray(fc.tuple(fc.stringMatching(/^[a-z0-9]{1,9}$/), fc.stringMatching(/^[!-~]{0,20}$/)), {
    selector: ([name]) => name,
    maxLength: 5,
  })
  .map((pairs) => new Map(pairs));

const anyChunk = fc
  .record({
    chunkIndex: anyU64,
    last: fc.boolean(),
    watermarks: anyWatermarks,
    entries: fc.array(anyEntry, { maxLength: 5 }),
  })
  .map((chunk) =>
    encodeSnapshotChunk({
      ...chunk,
      entryCount: chunk.entries.length,
      entries: encodeSnapshotEntries(chunk.entries),
    }),
  );

const anyKindAndPayload: fc.Arbitrary<[FrameKind, Buffer]> = fc.oneof(
  fc.tuple(fc.constant(FrameKind.Hello), anyHello.map(encodeHello)),
  fc.tuple(
    fc.constantFrom(FrameKind.SnapshotBegin, FrameKind.SnapshotEnd, FrameKind.Ack),
    anyWatermarks.map(encodeWatermarks),
  ),
  fc.tuple(fc.constant(FrameKind.SnapshotChunk), anyChunk),
  fc.tuple(fc.constant(FrameKind.MutationBatch), fc.array(anyRecord, { maxLength: 6 }).map(encodeBatch)),
  fc.tuple(fc.constant(FrameKind.Error), anyText.map(encodeErrorText)),
);

/** Any sound frame, of every kind, compressed or not, with and without a margin. */
export const anyFrame: fc.Arbitrary<Buffer> = fc.oneof(
  fc
    .tuple(anyKindAndPayload, fc.constantFrom('none' as const, 'zstd' as const))
    .map(([[kind, payload], compression]) => encodeFrame(kind, payload, { compression })),
  fc.tuple(anyHello, anyMargin).map(([hello, margin]) => encodeHelloFrame(hello, { margin })),
);

/** `stream` in pieces, cut at the given places (fractions of its length); empty pieces among them. */
export function cutAt(stream: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = places.map((place) => Math.floor(place * stream.length)).sort((a, b) => a - b);
  return [0, ...cuts].map((start, index) => stream.subarray(start, cuts[index] ?? stream.length));
}
