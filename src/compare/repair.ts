/**
 * Copies keys from a primary to its replica (docs/operations.md, "Comparing servers"): the primary publishes
 * them once more, as they are there, so that all that follow it get them.
 */
import { FastcacheError } from '../errors.js';
import { chunksOf, type KeyDifference, type Pair } from './confirm.js';
import { askSide, type Side } from './side.js';

/**
 * Resolves when the second side is a replica of the first, as far as is known. Rejects with `REPAIR_REFUSED`
 * and its reason otherwise, and as `askSide`.
 */
export async function checkRepair([from, to]: Pair<Side>): Promise<void> {
  const refuse = (reason: string) => {
    throw new FastcacheError('REPAIR_REFUSED', `${to.name} is not repaired from ${from.name}: ${reason}`);
  };
  if (!from.isServer || !to.isServer) refuse('both must be servers, a primary and its replica.');
  const [primary, replica] = [await askSide(from, { asks: 'shards' }), await askSide(to, { asks: 'shards' })];
  if (!primary.isPrimary) {
    refuse(`${from.name} is no primary of fastcache. Give the primary first, and its replica second.`);
  }
  if (replica.isPrimary) {
    refuse(`${to.name} is a primary itself; REPLICAOF makes it take over all content of another one.`);
  }
  if (primary.history === undefined || primary.history !== replica.history) {
    refuse('it does not hold the history of that primary, so that it is no replica of it now.');
  }
}

/**
 * Whether a difference cannot be repaired: the primary cannot publish the deletion of a key of which it only
 * knows hash and length.
 */
export function isBeyondRepair({ sort, long }: KeyDifference): boolean {
  return long !== undefined && sort === 'only-second';
}

/** Has the primary publish the keys again that it can; returns how many. Rejects as `askSide`. */
export async function publishAgain(primary: Side, differences: readonly KeyDifference[]): Promise<number> {
  const repaired = differences.filter((difference) => !isBeyondRepair(difference));
  let published = 0;
  for (const chunk of chunksOf(repaired, ({ key }) => key)) {
    const keys = chunk.map(({ key, long, shard }) => ({ key: long ?? key, shard }));
    published += (await askSide(primary, { asks: 'publish', keys })).count;
  }
  return published;
}
