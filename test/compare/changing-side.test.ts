/** A side that is not what it was when the comparison began. */
import { expect, it } from 'vitest';
import { systemSeams } from '../../src/clock.js';
import { compareSides } from '../../src/compare/compare.js';
import type { Side } from '../../src/compare/side.js';

/** A side of one history that answers each look with another number of shards, the last one for ever. */
function sideOf(name: string, counts: number[], sum: bigint): Side {
  return {
    name,
    isServer: true,
    async ask() {
      const count = counts.length > 1 ? counts.shift()! : counts[0]!;
      const shards = Array.from({ length: count }, (_, n) => ({
        watermark: sum + BigInt(n),
        sum,
        second: sum,
        keys: 1n,
      }));
      return { answers: 'shards', history: 'ab'.repeat(16), isPrimary: true, hasDigests: true, shards };
    },
    close() {},
  };
}

it('is refused, with both numbers, when it has fewer shards than before', async () => {
  const sides = [sideOf('a', [4], 1n), sideOf('b', [4, 2], 9n)] as const;
  const { signal } = new AbortController();
  await expect(compareSides(sides, { ...systemSeams, limit: 10, signal })).rejects.toMatchObject({
    code: 'COMPARE_REFUSED',
    message: 'b does not compare: it had 4 shards, and now has 2.',
  });
});
