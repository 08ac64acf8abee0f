/**
 * CLIENT TRACKING (docs/architecture.md, "Tracked keys"): which clients have been given which keys, and what
 * has changed since (kernel/store/tracked-keys.ts and broadcasts.ts). A client is a tracker, a number from 1
 * to TRACKERS_MAX.
 */
import * as layout from '../kernel/layout.js';
import type { Kernel } from './kernel.js';
import { KernelBuffer } from './kernel-buffer.js';

/** A key that has changed. */
export interface ChangedKey {
  /** The key, own memory. */
  readonly key: Buffer;
  /** The tracker that changed it last; 0: none of them. */
  readonly by: number;
}

/** Bytes of a number in what the kernel hands out. */
const WORD = 4;

/** The tracked keys of one kernel's store. */
export class TrackedKeys {
  /** Called when changes wait, once until they are taken; must not call back into the store. */
  onChange: () => void = () => {};
  readonly #kernel: Kernel;
  readonly #input: KernelBuffer;
  readonly #output: KernelBuffer;

  /** Tracks keys of a kernel, for which they are put into `input`; others may use it between the calls. */
  constructor(kernel: Kernel, input: KernelBuffer) {
    this.#kernel = kernel;
    this.#input = input;
    this.#output = new KernelBuffer(kernel, layout.TAKEN_BYTES);
  }

  /** How many keys are tracked. */
  get keys(): number {
    return this.#kernel.exports.trackedKeys();
  }

  /** How many trackers all those keys have together. */
  get items(): number {
    return this.#kernel.exports.trackedItems();
  }

  /** Makes sure of the memory into which changes are taken; called before all else. Throws OUT_OF_MEMORY. */
  prepare(): void {
    this.#output.reserve(layout.TAKEN_BYTES);
  }

  /** Notes that a tracker has been given a key, which need not be there. */
  track(key: Uint8Array, tracker: number): void {
    this.#kernel.exports.trackKey(this.#input.fill(key), key.length, tracker);
    this.#input.trim();
  }

  /** Lets so many keys be tracked; 0: as many as there is memory for. */
  limit(keys: number): void {
    this.#kernel.exports.limitTracked(Math.min(keys, 2 ** 32 - 1));
  }

  /** Lets up to `keys` go that are tracked beyond the limit, as though they had changed; returns how many. */
  letGo(keys: number): number {
    return this.#kernel.exports.letGo(keys);
  }

  /** Marks a tracker as one that `purge` forgets. */
  leave(tracker: number): void {
    this.#kernel.exports.leave(tracker);
  }

  /**
   * Forgets the trackers that have left, in a step of about `places` of the table; returns whether there is
   * more to do. When there is not, their numbers can be given out again.
   */
  purge(places: number): boolean {
    return this.#kernel.exports.purge(places) !== 0;
  }

  /** Forgets all that is tracked. */
  forget(): void {
    this.#kernel.exports.forgetTracked();
  }

  /** Sets the prefixes of keys whose changes are broadcast. Throws OUT_OF_MEMORY, with nothing changed. */
  setPrefixes(prefixes: readonly Uint8Array[]): void {
    const bytes = prefixes.reduce((sum, prefix) => sum + WORD + prefix.length, 0);
    const run = bytes === 0 ? 0 : this.#kernel.allocate(bytes);
    let at = run;
    for (const prefix of prefixes) {
      this.#kernel.bytes.writeUInt32LE(prefix.length, at);
      this.#kernel.bytes.set(prefix, at + WORD);
      at += WORD + prefix.length;
    }
    this.#kernel.exports.setPrefixes(run, prefixes.length);
  }

  /** Hands each tracked key that has changed, and its trackers, to `take`, in the order of the changes. */
  takeChanged(take: (change: ChangedKey, trackers: readonly number[]) => void): void {
    for (const bytes of this.#taken((output) => this.#kernel.exports.takeChanged(output))) {
      for (let at = 0; at < bytes.length; ) {
        const by = bytes.readUInt32LE(at);
        const keyEnd = at + 3 * WORD + bytes.readUInt32LE(at + WORD);
        const end = keyEnd + WORD * bytes.readUInt32LE(at + 2 * WORD);
        const key = bytes.subarray(at + 3 * WORD, keyEnd);
        const trackers: number[] = [];
        for (at = keyEnd; at < end; at += WORD) trackers.push(bytes.readUInt32LE(at));
        take({ key, by }, trackers);
      }
    }
  }

  /** Returns the keys with one of the prefixes that have changed since the last call, each once. */
  takeBroadcasts(): readonly ChangedKey[] {
    const changes: ChangedKey[] = [];
    for (const bytes of this.#taken((output) => this.#kernel.exports.takeBroadcasts(output))) {
      for (let at = 0; at < bytes.length; ) {
        const keyEnd = at + 2 * WORD + bytes.readUInt32LE(at + WORD);
        changes.push({ key: bytes.subarray(at + 2 * WORD, keyEnd), by: bytes.readUInt32LE(at) });
        at = keyEnd;
      }
    }
    return changes;
  }

  /**
   * Returns the tracker for one of whose keys there was no memory since the last call, `all` when there were
   * several; undefined when none was.
   */
  takeLost(): number | 'all' | undefined {
    const lost = this.#kernel.exports.takeLost();
    if (lost === 0) return undefined;
    return lost > layout.TRACKERS_MAX ? 'all' : lost;
  }

  /** Returns whether there was no memory for a key that was to be broadcast since the last call. */
  takeLostBroadcast(): boolean {
    return this.#kernel.exports.takeLostBroadcast() !== 0;
  }

  /** Calls `take` until nothing is left; yields what it has put out each time, in memory of its own. */
  *#taken(take: (output: number) => number): Iterable<Buffer> {
    for (;;) {
      const output = this.#output.reserve(layout.TAKEN_BYTES);
      const bytes = take(output);
      if (bytes === 0) return;
      yield Buffer.from(this.#kernel.bytes.subarray(output, output + bytes));
    }
  }
}
