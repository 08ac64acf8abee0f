import type { SaveReport } from '../data/data-directory.js';

/** Where what clients write is kept on a disk, as far as they notice it. */
export interface Durability {
  /** Why it cannot be written, so that writes could not be kept; undefined while it can. */
  readonly fault: string | undefined;
  /** Whether clients are to be answered only when their writes are on the disk. */
  readonly holdsReplies: boolean;
  /** Undefined: nothing is kept. */
  readonly saves: SaveReport | undefined;
  /** Calls `run` when what was written until now is on the disk, or with false when that has failed. */
  whenSynced(run: (isSynced: boolean) => void): void;
  /** Saves all content, beside the writes. Rejects with why that was not done. */
  save(): Promise<void>;
}

/** Nothing is kept. */
export const NOT_DURABLE: Durability = {
  fault: undefined,
  holdsReplies: false,
  saves: undefined,
  whenSynced: (run) => run(true),
  save: () => Promise.reject(new Error('nothing is kept')),
};
