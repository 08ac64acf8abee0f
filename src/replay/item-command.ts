/**
 * The command that does in a Redis-protocol server what a record or an entry of a snapshot says. Expiries stay absolute, so
 * that what is left of them stays too; what is past its expiry is deleted.
 */
import type { DecodedRecord } from '../frame/batch.js';
import type { DecodedSnapshotEntry } from '../frame/snapshot.js';

export type CommandName = 'set' | 'del' | 'pexpireat' | 'persist';

export interface ItemCommand {
  name: CommandName;
  args: readonly Uint8Array[];
  /** Deletes what the dump says to set, for it has expired since. */
  expired: boolean;
}

const SET = Buffer.from('SET');
const PXAT = Buffer.from('PXAT');
const DEL = Buffer.from('DEL');
const PEXPIREAT = Buffer.from('PEXPIREAT');
const PERSIST = Buffer.from('PERSIST');

/** The arguments are views of the item. */
export function itemCommand(item: DecodedRecord | DecodedSnapshotEntry, nowMs: number): ItemCommand {
  const op = 'op' in item ? item.op : 'set';
  const { key, expireAtMs } = item;
  if (op === 'del') return { name: 'del', args: [DEL, key], expired: false };
  if (expireAtMs !== null && expireAtMs <= BigInt(nowMs))
    return { name: 'del', args: [DEL, key], expired: true };
  if (op === 'set') {
    const expiry = expireAtMs === null ? [] : [PXAT, Buffer.from(`${expireAtMs}`)];
    return { name: 'set', args: [SET, key, item.value, ...expiry], expired: false };
  }
  if (expireAtMs === null) return { name: 'persist', args: [PERSIST, key], expired: false };
  return { name: 'pexpireat', args: [PEXPIREAT, key, Buffer.from(`${expireAtMs}`)], expired: false };
}
