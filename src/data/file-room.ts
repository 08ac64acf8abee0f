/**
 * Makes the room behind a file that is written in small synced pieces: a synced write into zeros that the
 * disk has already changes nothing else of the file system, whose journal it would otherwise wait for too.
 */
import type { FileHandle } from 'node:fs/promises';
import { ROOM_BYTES } from '../frame/room.js';

/** More room is made when less is left. */
const LEAST_BYTES = ROOM_BYTES / 2;
const ZEROS = Buffer.alloc(ROOM_BYTES);

/** The room of one file. Where none can be made, the file is as it would be without. */
export class FileRoom {
  readonly #file: FileHandle;
  /** The place behind the zeros that are on the disk; 0: there were none yet. */
  #end = 0;
  #fillingFrom = 0;
  #filling: Promise<void> | undefined;
  #isRefused = false;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Has more made behind bytes that end at `end` where little is left; they may be on their way. */
  plan(end: number): void {
    if (this.#isRefused || this.#filling !== undefined || this.#end - end >= LEAST_BYTES) return;
    this.#fillingFrom = Math.max(this.#end, end);
    this.#filling = this.#fill().finally(() => {
      this.#filling = undefined;
    });
  }

  /** Returns what bytes that end at `end` must wait for, since zeros are being written in their place. */
  before(end: number): Promise<void> | undefined {
    return end > this.#fillingFrom ? this.#filling : undefined;
  }

  /** Ends the file at `end`, if there is room behind that, and makes no more. */
  async giveBack(end: number): Promise<void> {
    this.#isRefused = true;
    await this.#filling;
    // A reader knows room from content, so it may stay where this fails.
    if (this.#end > end) await this.#file.truncate(end).catch(() => {});
  }

  async #fill(): Promise<void> {
    const from = this.#fillingFrom;
    try {
      const { bytesWritten } = await this.#file.write(ZEROS, 0, ROOM_BYTES, from);
      this.#end = from + bytesWritten;
      await this.#file.datasync();
    } catch {
      // The disk is full or has failed, which the next frames that are written will say.
      this.#isRefused = true;
    }
  }
}
