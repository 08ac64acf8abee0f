/** The findings of a repair in each file, and the losses. */
import { type ErrorCode, FastcacheError } from '../../errors.js';
import { dumpOf } from '../manifest.js';
import type { IndexUse } from './sound-frames.js';

/** Sequences of a shard, both ends included. */
export interface LostSequences {
  readonly shard: number;
  readonly from: bigint;
  readonly to: bigint;
}

/** Something that is not in the new directory. */
export interface RepairLoss {
  readonly code: ErrorCode;
  readonly message: string;
  /** The byte of the file at which it begins, and the one behind it; undefined: it is in no bytes. */
  readonly offset: number | undefined;
  readonly end: number | undefined;
  /** The sequences of its records; undefined: they are not known. */
  readonly sequences: readonly LostSequences[] | undefined;
}

/** How much of a directory is left out of the new one. */
export interface LossTotals {
  /** Records of segments; `isExact`: there are no others, whose number is not known. */
  readonly records: bigint;
  readonly isExact: boolean;
  /** Bytes of segments, without torn ends. */
  readonly bytes: number;
  readonly bases: number;
}

/** The findings of one file. */
export class FileReport {
  readonly name: string;
  readonly losses: RepairLoss[] = [];
  /** Whether its index was used, and if not, why; undefined: the file could not be read. */
  index: IndexUse | undefined;
  /** Bytes behind its last whole frame that were never synced. */
  tornBytes = 0;

  constructor(name: string) {
    this.name = name;
  }

  lose({
    fault: { code, message },
    start: offset,
    end,
    sequences,
  }: {
    fault: FastcacheError;
    start: number;
    end: number;
    sequences: readonly LostSequences[] | undefined;
  }): void {
    this.losses.push({ code, message, offset, end, sequences });
  }

  /** Adds the loss of a file that cannot be read. Throws what is no fault of the file. */
  miss(error: unknown): void {
    if (!(error instanceof FastcacheError) || error.code === 'OUT_OF_MEMORY') throw error;
    const { code, message } = error;
    this.losses.push({ code, message, offset: undefined, end: undefined, sequences: undefined });
  }

  /** Adds what is known of the sequences to the loss of the file. */
  know(sequences: readonly LostSequences[]): void {
    const last = this.losses.pop();
    if (last !== undefined) this.losses.push({ ...last, sequences });
  }

  /** Adds something that is whole, or that the file ends without, and is not taken over. */
  leave(
    message: string,
    place: { offset?: number; end?: number; sequences?: readonly LostSequences[] } = {},
  ): void {
    const { offset, end, sequences } = place;
    this.losses.push({ code: 'DATA_DAMAGED', message, offset, end, sequences });
  }
}

/** The reports of all files, in the order in which they were read. */
export class RepairReport {
  readonly files: FileReport[] = [];

  /** Returns the report of a file. */
  file(name: string): FileReport {
    const known = this.files.find((file) => file.name === name);
    if (known !== undefined) return known;
    const made = new FileReport(name);
    this.files.push(made);
    return made;
  }

  /** How much is left out. */
  get totals(): LossTotals {
    const totals = { records: 0n, isExact: true, bytes: 0, bases: 0 };
    for (const { name, losses } of this.files) {
      if (losses.length === 0) continue;
      if (dumpOf(name)?.kind === 'base') {
        totals.bases += 1;
        continue;
      }
      for (const { offset, end, sequences } of losses) {
        if (offset !== undefined && end !== undefined) totals.bytes += end - offset;
        if (sequences === undefined) totals.isExact = false;
        for (const { from, to } of sequences ?? []) totals.records += to - from + 1n;
      }
    }
    return totals;
  }

  /** Whether anything is lost. */
  get hasLosses(): boolean {
    return this.files.some(({ losses }) => losses.length > 0);
  }
}
