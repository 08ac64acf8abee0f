/**
 * Decides frame by frame what of a dump that may be damaged is whole and goes into another. Left out are:
 * damage; a batch with a wrong key hash or key tag, or of a shard that no store has, for a replica refuses it
 * whole; and a snapshot in which anything at all is lost. Half a snapshot must never look whole, and behind
 * damage nothing shows whether the next chunk belongs to the same one. Batches between the frames of a lost
 * snapshot are kept.
 */

import { FastcacheError } from '../../errors.js';
import { FrameKind } from '../../frame/kinds.js';
import type { Stretch } from '../../frame/resync.js';
import { decodeSnapshotChunk } from '../../frame/snapshot.js';
import { SnapshotFraming } from '../../frame/snapshot-framing.js';
import type { SplitFrame } from '../../frame/splitter.js';
import { decodeWatermarks } from '../../frame/watermarks.js';
import type { FrameCheck } from '../check/frame-check.js';
import type { DumpOutput } from './dump-output.js';

/** A stretch of a damaged dump that is left out. */
export interface Loss {
  /** Why it is left out, with the byte offset. */
  fault: FastcacheError;
  /** First byte of the range in the damaged dump; for a snapshot, that of its SnapshotBegin. */
  start: number;
  /** The byte behind the range; for a snapshot, behind the place where it was found to be lost. */
  end: number;
  /** The number of bytes of the range that are left out. */
  bytes: number;
  /** The number of readable frames among them. */
  frames: number;
  /** Whether the dump merely ends inside its last frame. */
  isCutTail: boolean;
}

/** Returns what is written of a frame that is whole and in its place; undefined when that is nothing. */
export type PickOfFrame = (frame: SplitFrame) => Uint8Array | undefined;

/** Writes the frames that are whole, and reports what is lost. */
export class DumpSalvager {
  readonly #check: FrameCheck;
  readonly #output: DumpOutput;
  readonly #onLoss: (loss: Loss) => void;
  readonly #pick: PickOfFrame;
  readonly #snapshot = new SnapshotFraming();
  /** Byte of the output at which the open snapshot begins. */
  #snapshotStart = 0;
  #frames = 0;
  /** Bytes of the damaged dump that have been looked at. */
  #offset = 0;

  constructor(
    check: FrameCheck,
    output: DumpOutput,
    onLoss: (loss: Loss) => void,
    pick: PickOfFrame = (frame) => frame.bytes,
  ) {
    this.#check = check;
    this.#output = output;
    this.#onLoss = onLoss;
    this.#pick = pick;
  }

  /** How many frames were written. */
  get frames(): number {
    return this.#frames;
  }

  /** Whether a snapshot has begun that has not ended. */
  get isInSnapshot(): boolean {
    return this.#snapshot.isOpen;
  }

  take(stretch: Stretch): void {
    if (stretch.type === 'damage') {
      const { fault, start, end, isCutTail } = stretch;
      this.#onLoss({ fault, start, end, bytes: end - start, frames: 0, isCutTail });
      this.#offset = end;
      this.#loseSnapshot('Something of the snapshot is lost in the damage.');
      return;
    }
    const { frame } = stretch;
    this.#offset = frame.offset + frame.bytes.length;
    this.#takeFrame(frame);
  }

  /** Ends the dump; `how` is the reason for leaving out a snapshot that is still open. */
  end(how = 'The dump ends inside the snapshot.'): void {
    this.#loseSnapshot(how);
  }

  #takeFrame(frame: SplitFrame): void {
    switch (frame.header.kind) {
      case FrameKind.SnapshotBegin:
        this.#loseSnapshot('The snapshot was cut short by the next one.');
        this.#snapshotStart = this.#output.bytes;
        this.#snapshot.begin(decodeWatermarks(this.#check.payloadOf(frame)), frame.offset);
        this.#keep(frame);
        return;
      case FrameKind.SnapshotChunk:
        this.#takeOfSnapshot(frame, this.#snapshot.chunk(decodeSnapshotChunk(this.#check.payloadOf(frame))));
        return;
      case FrameKind.SnapshotEnd: {
        const wasOpen = this.#snapshot.isOpen;
        const fault = this.#snapshot.end(decodeWatermarks(this.#check.payloadOf(frame)));
        if (fault !== undefined && wasOpen) this.#removeSnapshot('The snapshot does not end as it must.');
        this.#takeOfSnapshot(frame, fault);
        return;
      }
      case FrameKind.Hello:
        this.#loseSnapshot('The snapshot was cut short by a new connection.');
        this.#keep(frame);
        return;
      case FrameKind.Seal:
        // It holds at its own place only.
        return;
      default: {
        const fault = this.#check.keyFaultOf(frame);
        if (fault === undefined) this.#keep(frame);
        else {
          this.#lose(frame, fault);
          this.#loseSnapshot('A batch that belongs to the snapshot is lost.');
        }
      }
    }
  }

  #takeOfSnapshot(frame: SplitFrame, fault: FastcacheError | undefined): void {
    if (fault === undefined) {
      this.#keep(frame);
      return;
    }
    this.#lose(frame, fault.placedAt(frame.offset));
    this.#loseSnapshot('A chunk of the snapshot is lost.');
  }

  #keep(frame: SplitFrame): void {
    const picked = this.#pick(frame);
    if (picked === undefined) return;
    this.#output.write(picked);
    this.#frames += 1;
  }

  #lose({ offset: start, bytes: { length: bytes } }: SplitFrame, fault: FastcacheError): void {
    this.#onLoss({ fault, start, end: start + bytes, bytes, frames: 1, isCutTail: false });
  }

  #loseSnapshot(why: string): void {
    if (!this.#snapshot.isOpen) return;
    this.#snapshot.abandon();
    this.#removeSnapshot(why);
  }

  #removeSnapshot(why: string): void {
    const { frames, bytes } = this.#output.removeSnapshots(this.#snapshotStart);
    this.#frames -= frames;
    const start = this.#snapshot.beginOffset;
    const fault = new FastcacheError('SNAPSHOT_OUT_OF_ORDER', `${why} All of it is left out.`, {
      offset: start,
    });
    this.#onLoss({ fault, start, end: this.#offset, bytes, frames, isCutTail: false });
  }
}
