import type { SaveReport } from '../data/bases.js';
import type { SizeReport } from '../data/data-directory.js';

/**
 * The handling of clients' writes while they could not be kept. `refuse`: MISCONF. `stop`: MISCONF, and the
 * server stops. `read-only`: READONLY. `continue`: they are taken.
 */
export type OnFault = 'refuse' | 'stop' | 'read-only' | 'continue';

/** The disk on which clients' writes are kept, as far as clients notice it. */
export interface Durability {
  /** Why it cannot be written; undefined while it can. */
  readonly fault: string | undefined;
  /** The handling of clients' writes while it cannot be written. */
  readonly onFault: OnFault;
  /** Whether clients are to be answered only when their writes are on the disk. */
  readonly holdsReplies: boolean;
  /** Undefined: nothing is kept. */
  readonly saves: SaveReport | undefined;
  /** Undefined: nothing is kept. */
  readonly size: SizeReport | undefined;
  /** Whether all that was published is on the disk. */
  readonly isSynced: boolean;
  /**
   * Has the end of a turn wait for a write to the disk, if what the turn has written does; `endTurn` is
   * called then. Returns false when the turn is to end now.
   */
  joins(endTurn: () => void): boolean;
  /** Calls `run` when what was written until now is on the disk, or with false when that has failed. */
  whenSynced(run: (isSynced: boolean) => void): void;
  /** Saves all content, beside the writes. Rejects with why that was not done. */
  save(): Promise<void>;
}

/** Nothing is kept. */
export const NOT_DURABLE: Durability = {
  fault: undefined,
  onFault: 'refuse',
  holdsReplies: false,
  saves: undefined,
  size: undefined,
  isSynced: false,
  joins: () => false,
  whenSynced: (run) => run(true),
  save: () => Promise.reject(new Error('nothing is kept')),
};
