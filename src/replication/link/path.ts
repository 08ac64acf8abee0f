/**
 * The path of a node: the ids of the nodes from it up to the primary at the top, nearest first. Each node
 * names its path in its answers, by which a relay notices that it would follow itself, through however many
 * others.
 */
import type { Random } from '../../clock.js';
import { FastcacheError } from '../../errors.js';
import type { Margin } from '../../frame/margin.js';
import { drawHex } from '../hex.js';

/** The most nodes of a path: a longer chain is a mistake, and a path must fit into a margin. */
const NODES_MAX = 32;
const NODE_ID = /^[0-9a-f]{16}$/;
const PATH = /^[0-9a-f]{16}(,[0-9a-f]{16})*$/;

/** Makes an id of 16 hex digits. */
export function newNodeId(random: Random): string {
  return drawHex(random, 16);
}

/** Returns whether a text is the id of a node. */
export function isNodeId(text: string): boolean {
  return NODE_ID.test(text);
}

/** The pair that names a replica in the margin of its Hello. */
export function nodePair(nodeId: string): [string, string] {
  return ['node', nodeId];
}

/** The id of the replica that a margin names; undefined when it names none. */
export function nodeInMargin(margin: Margin | undefined): string | undefined {
  const id = margin?.get('node');
  return id !== undefined && isNodeId(id) ? id : undefined;
}

/** The pair that names a path in a margin. */
export function pathPair(path: readonly string[]): [string, string] {
  return ['path', path.join()];
}

/** The path that a margin names; empty when it names none, as a Rust primary's. */
export function pathInMargin(margin: Margin | undefined): string[] {
  const text = margin?.get('path') ?? '';
  return PATH.test(text) ? text.split(',') : [];
}

/** Checks that `nodeId` can follow `address`, whose path this is. Throws `REPLICATION_CYCLE`. */
export function checkPath(path: readonly string[], nodeId: string, address: string): void {
  const at = path.indexOf(nodeId);
  if (at === -1 && path.length < NODES_MAX) return;
  throw new FastcacheError('REPLICATION_CYCLE', reason(at, path, address), { address, found: path.join() });
}

function reason(at: number, path: readonly string[], address: string): string {
  if (at === -1)
    return `${address} is ${path.length} nodes below its primary; a chain has ${NODES_MAX} at most.`;
  if (at === 0) return `${address} is this very replica.`;
  const way = at === 1 ? 'directly' : `through ${at - 1} others`;
  return `${address} follows this very replica, ${way}: none of them has a primary.`;
}
