/**
 * The pairs in the margin of the Hello of a replica that has no memory for its primary's content
 * (docs/architecture.md, "Content that does not fit"): how much it holds, and how much it can have.
 */
import type { Margin } from '../../frame/margin.js';

/** The bytes that are taken in a store which is full, and those that it has at most. */
export interface FullStore {
  readonly heldBytes: number;
  readonly mostBytes: number;
}

const FULL = /^(\d{1,15})\/(\d{1,15})$/;

/** Makes the pair that says so in a margin. */
export function fullPair({ heldBytes, mostBytes }: FullStore): [string, string] {
  return ['full', `${heldBytes}/${mostBytes}`];
}

/** Returns what a margin says of it; undefined when it says nothing that can be read. */
export function fullInMargin(margin: Margin | undefined): FullStore | undefined {
  const found = FULL.exec(margin?.get('full') ?? '');
  return found === null ? undefined : { heldBytes: Number(found[1]), mostBytes: Number(found[2]) };
}
