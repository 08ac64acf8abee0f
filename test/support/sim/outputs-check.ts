/**
 * The outputs of a node, folded, give its content: its dump as tools read it, and its changes as their
 * documentation says.
 */
import type { ShardEngine } from '../../../src/engine/shard-engine.js';
import type { ChangeFold } from '../change-fold.js';
import { foldBytes } from '../fold-bytes.js';
import { linesOf } from './consumer.js';

/** Throws when `dump` or `changes`, where there are any, lead to something else than `store` holds. */
export function checkOutputs(
  store: ShardEngine,
  dump: Buffer | undefined,
  changes: ChangeFold | undefined,
): void {
  const held = linesOf(store);
  if (dump !== undefined) {
    const { store: folded, watermarks } = foldBytes(dump);
    expectAlike('dump', linesOf(folded), held);
    if (watermarks.join() !== store.watermarks().join()) {
      throw new Error(`the dump leads to ${watermarks.join()}, and ${store.watermarks().join()} is held`);
    }
  }
  if (changes !== undefined) expectAlike('changes', changes.content(), held);
}

function expectAlike(what: string, found: readonly string[], held: readonly string[]): void {
  const at = found.findIndex((line, index) => line !== held[index]);
  if (at === -1 && found.length === held.length) return;
  const difference = `line ${at} is ${found[at]?.slice(0, 80)} and must be ${held[at]?.slice(0, 80)}`;
  throw new Error(`the ${what} lead to ${found.length} keys, ${held.length} are held: ${difference}`);
}
