import { xxh3 } from '@node-rs/xxhash';
import { expect, it } from 'vitest';
import { IndexEntries } from '../../src/frame/index-entry.js';
import { indexKernel } from '../../src/frame-index/index-kernel.js';
import { piecesOf } from '../support/pieces.js';
import { RandomSource } from '../support/random.js';

const random = new RandomSource(5);
const content = random.bytes(1_500_000);
const state = indexKernel().open();

/** The hash of so many bytes that come in pieces. */
function hashIn(bytes: Buffer, pieceBytes: () => number): bigint {
  state.begin({ offset: 0, bytes: bytes.length, kind: 1, isPlainBatch: false });
  for (const piece of piecesOf(bytes, pieceBytes)) state.take(piece);
  return new IndexEntries(state.end()).hash(0);
}

function expectSameHash(bytes: Buffer, pieceBytes: () => number): void {
  const [ours, theirs] = [hashIn(bytes, pieceBytes), xxh3.xxh64(bytes)];
  if (ours !== theirs) expect.fail(`${bytes.length} bytes: ${ours}, not ${theirs}`);
}

it('hashes every length from 0 to 3,300 in pieces as it does at once', () => {
  for (let length = 0; length <= 3_300; length += 1) {
    expectSameHash(content.subarray(7, 7 + length), () => random.pick([1, 63, 64, 65, 1_000, 1_024, 1_025]));
  }
});

it('hashes long bytes in pieces of any length', () => {
  for (const most of [17, 1_024, 5_000, 262_144, 2_000_000]) {
    expectSameHash(content, () => random.between(1, most));
    expectSameHash(content.subarray(3), () => most);
  }
});
