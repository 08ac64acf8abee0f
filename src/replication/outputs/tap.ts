/**
 * Hands on what a follower applies, change by change, to a consumer that may be slow (docs/operations.md,
 * "Taps"). Changes for which the consumer has no room wait here, and meanwhile the connection is not read, so
 * that no more than one read's frames ever wait.
 */
import assert from 'node:assert/strict';
import { decodeBatch } from '../../frame/batch.js';
import { openPayload } from '../../frame/frame.js';
import { decodeSnapshotChunk } from '../../frame/snapshot.js';
import type { SplitFrame } from '../../frame/splitter.js';
import { Ring } from '../stream/ring.js';
import { type Change, type ChangeConsumer, entryChange, recordChange } from './changes.js';

/** The flow of frames, which a tap without room pauses. */
export interface Flow {
  pause(): void;
  resume(): void;
}

/**
 * The methods that a session calls, each when its event has happened and before anything that follows from
 * it.
 */
export interface StreamTap {
  /**
   * Calls `run` when there is room for frames, which may be at once; until then nothing should connect.
   * Returns the function that withdraws the call.
   */
  whenRoom(run: () => void): () => void;
  /**
   * Begins a session, whose flow this is; undefined: the session is over, and the content that it was
   * building is void.
   */
  follow(flow: Flow | undefined): void;
  /** New content begins at these watermarks. */
  began(watermarks: ArrayLike<bigint>): void;
  /** A MutationBatch was applied; `payload` is the frame's, opened. */
  batch(frame: SplitFrame, payload: Uint8Array): void;
  /** A SnapshotChunk was loaded. */
  chunk(frame: SplitFrame, payload: Uint8Array): void;
  /** The new content is whole, at these watermarks. */
  whole(watermarks: readonly bigint[]): void;
}

/** The options of a `Tap`. */
export interface TapOptions {
  consumer: ChangeConsumer;
  /** The watermarks of the present content, which the first records continue; empty: there is no content. */
  watermarks: readonly bigint[];
  /** Called once, when the consumer takes no more changes. */
  onFault(error: Error): void;
}

/** A piece of work to be done in its turn: it makes changes, or does something else and makes none. */
type Work = () => Iterable<Change>;

/** Hands changes to one consumer, through all sessions; it has failed for good once the consumer has. */
export class Tap implements StreamTap {
  readonly #options: TapOptions;
  readonly #queue = new Ring<Work>();
  #current: Iterator<Change> | undefined;
  /** Whether a change was given whose promise is not resolved. */
  #isWaiting = false;
  #isRunning = false;
  #fault: Error | undefined;
  #flow: Flow | undefined;
  /** Callers that wait until all is handed on. */
  readonly #awaited: { resolve(): void; reject(error: Error): void }[] = [];
  /** Each shard's highest sequence that was handed on, or that the consumer has in another way. */
  #positions: bigint[];
  /** The positions in the earlier content, while new content is handed on; undefined otherwise. */
  #positionsBefore: bigint[] | undefined;

  constructor(options: TapOptions) {
    this.#options = options;
    this.#positions = Array.from(options.watermarks);
  }

  /** Whether all is handed on. */
  get isIdle(): boolean {
    return !this.#isWaiting;
  }

  whenRoom(run: () => void): () => void {
    if (this.isIdle) {
      run();
      return () => {};
    }
    const waiter = { resolve: run, reject() {} };
    this.#awaited.push(waiter);
    return () => {
      waiter.resolve = () => {};
    };
  }

  /** Asserts the invariants that hold between calls. */
  invariants(): void {
    const hasWork = this.#current !== undefined || this.#queue.length > 0;
    assert(!this.#isRunning, 'changes are handed on within a call');
    if (this.#fault !== undefined) {
      assert(!hasWork && this.#awaited.length === 0, 'behind a fault nothing waits');
    } else if (!this.#isWaiting) {
      assert(!hasWork, 'what is to be handed on waits only for the consumer');
      assert.equal(this.#awaited.length, 0, 'nobody waits for room that is there');
    }
  }

  /** Resolves when all is handed on and out. Rejects with the consumer's error. */
  async drained(): Promise<void> {
    if (this.#fault !== undefined) throw this.#fault;
    if (!this.isIdle) {
      await new Promise<void>((resolve, reject) => this.#awaited.push({ resolve, reject }));
    }
    await this.#options.consumer.flush?.();
  }

  /** Calls `run` behind the changes of what came before. */
  inOrder(run: () => void): void {
    this.#do(() => {
      run();
      return [];
    });
  }

  follow(flow: Flow | undefined): void {
    this.#flow = flow;
    if (flow === undefined) this.#do(() => this.#abandoned());
  }

  began(watermarks: ArrayLike<bigint>): void {
    const at = Array.from(watermarks);
    this.#do(() => this.#beginning(at));
  }

  batch(frame: SplitFrame, payload: Uint8Array): void {
    this.#take(frame, payload, (bytes) => this.#records(bytes));
  }

  chunk(frame: SplitFrame, payload: Uint8Array): void {
    let handedOn = 0;
    this.#take(frame, payload, function* (bytes) {
      let index = 0;
      for (const entry of decodeSnapshotChunk(bytes).entries) {
        if (index++ < handedOn) continue;
        handedOn++;
        yield entryChange(entry);
      }
    });
  }

  whole(watermarks: readonly bigint[]): void {
    this.#do(() => {
      this.#positionsBefore = undefined;
      return [{ type: 'snapshot-end', watermarks }];
    });
  }

  *#beginning(watermarks: bigint[]): Generator<Change> {
    yield* this.#abandoned();
    this.#positionsBefore = this.#positions;
    this.#positions = watermarks;
    yield { type: 'snapshot-begin', watermarks: watermarks.slice() };
  }

  *#abandoned(): Generator<Change> {
    if (this.#positionsBefore === undefined) return;
    this.#positions = this.#positionsBefore;
    this.#positionsBefore = undefined;
    yield { type: 'snapshot-abandoned' };
  }

  /**
   * Makes the changes of a batch; like the replica it skips records that are not above their shard's
   * position.
   */
  *#records(payload: Uint8Array): Generator<Change> {
    const positions = this.#positions;
    for (const record of decodeBatch(payload).records) {
      const { shard, sequence } = record;
      if (sequence <= (positions[shard] ?? 0n)) continue;
      positions[shard] = sequence;
      yield recordChange(record);
    }
  }

  /**
   * Makes the changes of a frame, now or later. Called again, with the same payload in other memory,
   * `changesOf` continues where it was.
   */
  #take(frame: SplitFrame, payload: Uint8Array, changesOf: (payload: Uint8Array) => Iterable<Change>): void {
    if (this.isIdle) {
      this.#do(() => changesOf(payload));
      // Some changes could not be handed on yet, and the frame's bytes may be overwritten after this call.
      if (!this.isIdle) this.#current = changesOf(Buffer.from(payload))[Symbol.iterator]();
      return;
    }
    // The payload waits as it came, perhaps compressed.
    const { header } = frame;
    const wire = Buffer.from(frame.wirePayload);
    this.#do(() => changesOf(openPayload(header, wire)));
  }

  #do(work: Work): void {
    if (this.#fault !== undefined) return;
    this.#queue.push(work);
    this.#run();
  }

  #run(): void {
    if (this.#isRunning || this.#isWaiting) return;
    this.#isRunning = true;
    try {
      for (let change = this.#next(); change !== undefined; change = this.#next()) {
        const full = this.#options.consumer.take(change);
        if (full !== undefined) {
          this.#waitFor(full);
          return;
        }
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.#isRunning = false;
    }
  }

  #next(): Change | undefined {
    for (;;) {
      const change = this.#current?.next();
      if (change?.done === false) return change.value;
      this.#current = this.#queue.shift()?.()[Symbol.iterator]();
      if (this.#current === undefined) return undefined;
    }
  }

  #waitFor(full: Promise<void>): void {
    this.#isWaiting = true;
    this.#flow?.pause();
    full.then(
      () => {
        this.#isWaiting = false;
        this.#run();
        if (!this.isIdle || this.#fault !== undefined) return;
        this.#flow?.resume();
        for (const run of this.#awaited.splice(0)) run.resolve();
      },
      (error: unknown) => this.fail(error),
    );
  }

  /** Gives the consumer nothing more; does nothing when the tap has failed before. */
  fail(cause: unknown): void {
    if (this.#fault !== undefined) return;
    const fault = cause instanceof Error ? cause : new Error(String(cause));
    this.#fault = fault;
    this.#queue.clear();
    this.#current = undefined;
    for (const { reject } of this.#awaited.splice(0)) reject(fault);
    this.#options.onFault(fault);
  }
}
