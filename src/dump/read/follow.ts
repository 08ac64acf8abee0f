/**
 * Reads a dump that is still being written as `tail -F` does: at its end it waits for more, and when the file
 * is cut back or another takes its name, reading starts over.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';
import type { Timers } from '../../clock.js';
import { FastcacheError } from '../../errors.js';
import { bytesBeforeZeros, isSegment } from '../../frame/room.js';
import { FrameSplitter, type SplitFrame } from '../../frame/splitter.js';
import { CHUNK_BYTES, inDump, type ReadOptions, splitChunk } from './dump-reader.js';

/** How a dump is followed. */
export interface FollowOptions {
  /** Time between two looks at a file that has not grown, in ms. */
  pollMs: number;
  timers: Timers;
  /** Ends the following; a last frame that is not yet whole is no fault then. */
  stopped: AbortSignal;
}

/** A file that is followed from its start. */
export class FollowedDump {
  readonly #file: string;
  readonly #options: FollowOptions & ReadOptions;
  #begunAnew = false;

  constructor(file: string, options: FollowOptions & ReadOptions) {
    this.#file = file;
    this.#options = options;
  }

  /**
   * Whether `chunks` ended because the file was cut back or replaced: another call reads what is there now.
   */
  get goesOn(): boolean {
    return this.#begunAnew && !this.#options.stopped.aborted;
  }

  /**
   * Yields the frames of the file, as `readDumpChunks`, until it is cut back or replaced or following is
   * stopped. Throws as that does; `FCRP_TRUNCATED` and `FCRP_SHORT_HEADER` when the rest of a frame will
   * never come.
   */
  async *chunks(): AsyncGenerator<SplitFrame[], void, void> {
    const splitter = new FrameSplitter(this.#options);
    const { stopped } = this.#options;
    let handle: FileHandle | undefined;
    try {
      handle = await this.#open();
      if (handle === undefined) return;
      this.#begunAnew = false;
      const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
      let position = 0;
      // A replaced file is over when it has been read once more: its writer may have added to it until then.
      let replaced = false;
      while (!stopped.aborted) {
        const { bytesRead } = await handle.read(chunk, 0, chunk.length, position);
        // Frames may still take the place of zeros, and those of a frame are read again with what follows.
        const bytes = isSegment(this.#file) ? bytesBeforeZeros(chunk, bytesRead) : bytesRead;
        position += bytes;
        if (bytes > 0) {
          yield* splitChunk(splitter, chunk.subarray(0, bytes));
        } else if (replaced || (await handle.stat()).size < position) {
          this.#begunAnew = true;
          splitter.end();
          return;
        } else {
          replaced = await this.#isReplaced(handle);
          if (!replaced) await this.#pause();
        }
      }
    } catch (error) {
      throw inDump(error, this.#file, splitter.frameStart);
    } finally {
      await handle?.close();
    }
  }

  /**
   * Opens the file. After a replacement it waits for the new one; returns undefined when following is stopped
   * before.
   */
  async #open(): Promise<FileHandle | undefined> {
    while (!this.#options.stopped.aborted) {
      try {
        const status = await stat(this.#file);
        // Opening a pipe would wait for its writer.
        if (status.isFile() || status.isDirectory()) return await open(this.#file);
        throw new FastcacheError('NO_INPUT', 'Only a regular file can be followed.');
      } catch (error) {
        if (!this.#begunAnew || !isMissing(error)) throw error;
        await this.#pause();
      }
    }
    return undefined;
  }

  /** Returns whether the name now belongs to another file; one that was removed may still come back. */
  async #isReplaced(handle: FileHandle): Promise<boolean> {
    try {
      const [ours, named] = await Promise.all([handle.stat(), stat(this.#file)]);
      return ours.ino !== named.ino || ours.dev !== named.dev;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  #pause(): Promise<void> {
    const { timers, pollMs, stopped } = this.#options;
    return new Promise((resolve) => {
      const end = () => {
        timer.cancel();
        stopped.removeEventListener('abort', end);
        resolve();
      };
      const timer = timers.after(pollMs, end);
      stopped.addEventListener('abort', end);
      if (stopped.aborted) end();
    });
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
