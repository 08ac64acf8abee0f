/**
 * Makes the command that applies a record or an entry of a snapshot to a Redis-protocol server. Expiries are
 * absolute, so that the time left stays the same.
 */
import type { DecodedRecord } from '../frame/batch.js';
import type { DecodedSnapshotEntry } from '../frame/snapshot.js';
import type { LapsedKey } from './lapsing-keys.js';

/** The commands that a replay sends. */
export type CommandName = 'set' | 'del' | 'pexpireat' | 'persist';

/** A command, and how it is counted. */
export interface ItemCommand {
  name: CommandName;
  args: readonly Uint8Array[];
}

const SET = Buffer.from('SET');
const PXAT = Buffer.from('PXAT');
const DEL = Buffer.from('DEL');
const PEXPIREAT = Buffer.from('PEXPIREAT');
const PERSIST = Buffer.from('PERSIST');

/**
 * Returns the command of an item. Its arguments are views of the item; `expireAtMs`, in Unix ms, is sent in
 * place of its own.
 */
export function itemCommand(
  item: DecodedRecord | DecodedSnapshotEntry,
  expireAtMs: bigint | null,
): ItemCommand {
  const op = 'op' in item ? item.op : 'set';
  const { key } = item;
  if (op === 'del') return { name: 'del', args: [DEL, key] };
  if (op === 'set') {
    const expiry = expireAtMs === null ? [] : [PXAT, Buffer.from(`${expireAtMs}`)];
    return { name: 'set', args: [SET, key, item.value, ...expiry] };
  }
  if (expireAtMs === null) return { name: 'persist', args: [PERSIST, key] };
  return { name: 'pexpireat', args: [PEXPIREAT, key, Buffer.from(`${expireAtMs}`)] };
}

/**
 * Returns the command that ends the grace of a key: its deletion, or, while it has not expired, its own
 * expiry.
 */
export function settlingCommand({ key, expireAtMs }: LapsedKey, nowMs: number): ItemCommand {
  return expireAtMs <= nowMs
    ? { name: 'del', args: [DEL, key] }
    : { name: 'pexpireat', args: [PEXPIREAT, key, Buffer.from(`${expireAtMs}`)] };
}
