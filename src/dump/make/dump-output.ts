/**
 * Writes a dump that is made of others. It is written beside its place, under a name of its own, and renamed
 * when it is whole; when it is discarded before, no file is left. The frames of a snapshot can be removed
 * again as long as the snapshot is not ended.
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { FastcacheError } from '../../errors.js';
import { DEFAULT_FILE_MODE } from '../../files/file-mode.js';
import { decodeHeader } from '../../frame/header.js';
import { FrameKind } from '../../frame/kinds.js';
import { FRAME_HEADER_BYTES } from '../../limits.js';
import type { DumpSource } from '../read/dump-reader.js';

const GATHER_BYTES = 1_048_576;

const snapshotKinds: ReadonlySet<FrameKind> = new Set([
  FrameKind.SnapshotBegin,
  FrameKind.SnapshotChunk,
  FrameKind.SnapshotEnd,
]);

/** The frames and items that were removed again. */
export interface Removed {
  frames: number;
  bytes: number;
}

/** How a dump is written. */
export interface OutputOptions {
  /** Whether a file that is there already is overwritten; false when absent. */
  force?: boolean | undefined;
  /** The mode of the file; when absent that of the file that is overwritten, or else 0o600. */
  mode?: number | undefined;
  /** Discards what is written when it is aborted, at once; from then on writing throws its reason. */
  signal?: AbortSignal | undefined;
}

/** The dump that is being written. */
export class DumpOutput {
  readonly path: string;
  readonly #target: string;
  readonly #overwrite: boolean;
  readonly #fd: number;
  readonly #gathered = Buffer.allocUnsafeSlow(GATHER_BYTES);
  #gatheredBytes = 0;
  /** Bytes that are in the file; those that are gathered follow them. */
  #writtenBytes = 0;
  #isOpen = true;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.discard();

  /**
   * `inputs` are the dumps that are read. Throws `BAD_OPTION` when `target` is one of them, or is there
   * already, and `WRITE_FAILED`.
   */
  constructor(
    inputs: readonly DumpSource[],
    target: string,
    { force = false, mode, signal }: OutputOptions = {},
  ) {
    this.#target = target;
    this.#overwrite = force;
    this.#signal = signal;
    this.path = `${target}.${process.pid}.partial`;
    for (const input of inputs) if (typeof input === 'string') refuseInPlace(input, target);
    this.#refuseExisting();
    // A user who may not read the file that is replaced may not read the new one.
    const kept = statSync(target, { throwIfNoEntry: false })?.mode;
    this.#fd = this.#writing(() => openSync(this.path, 'wx+', mode ?? kept ?? DEFAULT_FILE_MODE));
    signal?.addEventListener('abort', this.#onAbort);
  }

  /** The byte at which the next frame will begin. */
  get bytes(): number {
    return this.#writtenBytes + this.#gatheredBytes;
  }

  /** Appends a frame. Throws `WRITE_FAILED`. */
  write(bytes: Uint8Array): void {
    if (bytes.length > GATHER_BYTES - this.#gatheredBytes) this.flush();
    if (bytes.length > GATHER_BYTES) {
      this.#writeAt(bytes, this.#writtenBytes);
      this.#writtenBytes += bytes.length;
    } else {
      this.#gathered.set(bytes, this.#gatheredBytes);
      this.#gatheredBytes += bytes.length;
    }
  }

  /** Removes the frames of snapshots from byte `start` on, and closes the gaps. Throws `WRITE_FAILED`. */
  removeSnapshots(start: number): Removed {
    this.flush();
    const end = this.#writtenBytes;
    const header = Buffer.alloc(FRAME_HEADER_BYTES);
    const removed: Removed = { frames: 0, bytes: 0 };
    let to = start;
    for (let from = start; from < end; ) {
      this.#readAt(header, from);
      const { kind, payloadBytes } = decodeHeader(header);
      const frameBytes = FRAME_HEADER_BYTES + payloadBytes;
      if (snapshotKinds.has(kind)) {
        removed.frames += 1;
        removed.bytes += frameBytes;
      } else {
        this.#move(from, to, frameBytes);
        to += frameBytes;
      }
      from += frameBytes;
    }
    this.#writing(() => ftruncateSync(this.#fd, to));
    this.#writtenBytes = to;
    return removed;
  }

  /** Puts the dump in its place. Throws as the constructor does. */
  finish(): void {
    this.flush();
    this.#refuseExisting();
    this.#writing(() => {
      fsyncSync(this.#fd);
      renameSync(this.path, this.#target);
    });
    this.#close();
  }

  /** Removes what was written, unless the dump is in its place already. */
  discard(): void {
    if (!this.#isOpen) return;
    this.#close();
    rmSync(this.path, { force: true });
  }

  #close(): void {
    this.#isOpen = false;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    closeSync(this.#fd);
  }

  #refuseExisting(): void {
    const there = statSync(this.#target, { throwIfNoEntry: false });
    if (there === undefined || (this.#overwrite && there.isFile())) return;
    const message = there.isFile()
      ? 'The file is there already; `force` overwrites it.'
      : 'This is not a file that can be overwritten.';
    throw new FastcacheError('BAD_OPTION', message, { file: this.#target });
  }

  /** Writes what is gathered, so that it can be read from the file. Throws `WRITE_FAILED`. */
  flush(): void {
    this.#writeAt(this.#gathered.subarray(0, this.#gatheredBytes), this.#writtenBytes);
    this.#writtenBytes += this.#gatheredBytes;
    this.#gatheredBytes = 0;
  }

  /** Moves bytes towards the start of the file; the two stretches may overlap. */
  #move(from: number, to: number, bytes: number): void {
    if (from === to) return;
    for (let moved = 0; moved < bytes; ) {
      const piece = this.#gathered.subarray(0, Math.min(GATHER_BYTES, bytes - moved));
      this.#readAt(piece, from + moved);
      this.#writeAt(piece, to + moved);
      moved += piece.length;
    }
  }

  #readAt(target: Uint8Array, position: number): void {
    for (let done = 0; done < target.length; ) {
      const read = this.#writing(() =>
        readSync(this.#fd, target, done, target.length - done, position + done),
      );
      if (read === 0)
        throw new FastcacheError('WRITE_FAILED', 'The dump was cut while it was written.', {
          file: this.path,
        });
      done += read;
    }
  }

  #writeAt(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length; ) {
      done += this.#writing(() => writeSync(this.#fd, bytes, done, bytes.length - done, position + done));
    }
  }

  #writing<T>(work: () => T): T {
    // After an abort the file is no longer there.
    this.#signal?.throwIfAborted();
    try {
      return work();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new FastcacheError('WRITE_FAILED', `The dump cannot be written: ${reason}.`, {
        file: this.#target,
        cause,
      });
    }
  }
}

/**
 * Throws `BAD_OPTION` when `target` is the file `input` (`-` is stdin), by whatever names, links and
 * redirections.
 */
export function refuseInPlace(input: string, target: string): void {
  const output = statSync(target, { throwIfNoEntry: false, bigint: true });
  const read =
    input === '-' ? fstatSync(0, { bigint: true }) : statSync(input, { throwIfNoEntry: false, bigint: true });
  if (output === undefined || read?.dev !== output.dev || read.ino !== output.ino) return;
  throw new FastcacheError(
    'BAD_OPTION',
    'A dump that is read is never written over: name another file to write to.',
    {
      file: target,
    },
  );
}
