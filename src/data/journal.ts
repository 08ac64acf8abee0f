/**
 * Writes what is published into the segments of a data directory: one more cursor in the log of a stream,
 * which takes its bytes as they are. A disk that is slow is behind in the log, and nobody waits for it but
 * clients that are to be answered when their writes are synced.
 */
import type { Clock, Timer, Timers } from '../clock.js';
import { encodeHelloFrame } from '../frame/hello.js';
import type { History } from '../replication/history.js';
import type { Log } from '../replication/log.js';
import type { FrameStream } from '../replication/stream/stream.js';
import type { DumpFile } from './dump-file.js';
import { FollowedStream, type FrameGroup } from './followed-stream.js';
import { Gathering } from './gathering.js';
import type { Follows } from './manifest.js';
import { PutOffTurns } from './put-off-turns.js';
import { SegmentProofs } from './segment-proofs.js';
import { SyncWaiters } from './sync-waiters.js';
import { Syncs } from './syncs.js';

/** When bytes are synced: before clients are answered, once a second, or when the system likes. */
export type FsyncPolicy = 'always' | 'everysec' | 'no';

const SYNC_EVERY_MS = 1_000;
/** Clients are not answered while more bytes wait for the disk. */
const HOLD_BYTES = 48 * 1_048_576;
/** A disk that is further behind counts as failed. */
const LOST_BYTES = 1024 * 1_048_576;

/** The beginning of a segment. */
export interface SegmentStart {
  readonly history: History;
  readonly watermarks: readonly bigint[];
  readonly follows: Follows;
}

/** The options of a journal. */
export interface JournalOptions {
  clock: Clock;
  timers: Timers;
  log: Log;
  fsync: FsyncPolicy;
  /** A segment of so many bytes is sealed. */
  segmentBytes: number;
  /** Seals the present segment, if there is one, and makes the next, whose Hello is `hello`. */
  openSegment(hello: Buffer, start: SegmentStart): Promise<DumpFile>;
  /** Called when the stream broke off and nothing was said to follow in the same turn. */
  onInterrupted(reason: string): void;
  /** Called when more is on the disk than before. */
  onSynced(): void;
  /** Called once, with the fault of the disk: nothing more is written. */
  onFault(error: Error): void;
}

/** Something to be written before what the cursor has. */
type Task = { readonly open: SegmentStart } | FrameGroup;

/** One journal, from `follow` until `close` or a fault. Places in it count its bytes of frames. */
export class Journal {
  readonly #options: JournalOptions;
  readonly #tasks: Task[] = [];
  #source: FollowedStream | undefined;
  readonly #proofs: SegmentProofs;
  readonly #syncs: Syncs;
  #segment: DumpFile | undefined;
  /** The place behind what was given to the disk, behind what is on it, and behind what was taken over. */
  #writtenEnd = 0;
  #syncedEnd = 0;
  #lastEnd = 0;
  readonly #waiters = new SyncWaiters();
  #running: Promise<void> | undefined;
  #syncTimer: Timer | undefined;
  readonly #gathering: Gathering;
  readonly #turns: PutOffTurns;
  #isOpening = false;
  #fsync: FsyncPolicy;
  /** Whether the segment is being made with which a stream begins. */
  #isBeginning = false;
  #isFaulty = false;
  #isClosed = false;

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#fsync = options.fsync;
    this.#gathering = new Gathering(options.timers, () => this.#work());
    this.#turns = new PutOffTurns(options);
    this.#syncs = new Syncs(options, () => this.#segment?.name ?? '');
    this.#proofs = new SegmentProofs(options.timers, () => this.#work());
  }

  set fsync(policy: FsyncPolicy) {
    this.#fsync = policy;
    if (policy === 'everysec') this.#planSync();
  }

  /** The place behind all that was published. */
  get end(): number {
    return this.#source?.end ?? this.#lastEnd;
  }

  /** Whether the disk has failed, so that nothing more is written. */
  get isFaulty(): boolean {
    return this.#isFaulty;
  }

  /** Bytes that were published and are not on the disk for sure. */
  get unsyncedBytes(): number {
    return this.end - this.#syncedEnd;
  }

  /** Bytes that were published and are not written. */
  get unwrittenBytes(): number {
    return this.end - this.#writtenEnd;
  }

  /** Whether the beginning of this stream is on the disk: its frames then count once they are there. */
  isBegun(stream: FrameStream | undefined): boolean {
    return stream !== undefined && this.#source?.stream === stream && !this.#begins;
  }

  get isSyncing(): boolean {
    return this.#syncs.isRunning;
  }

  /** How many syncs took longer than two seconds. */
  get slowSyncs(): number {
    return this.#syncs.slow;
  }

  /**
   * The watermarks of the present stream that are on the disk; undefined: none, since its beginning is not,
   * or its log does not go back so far.
   */
  get syncedWatermarks(): readonly bigint[] | undefined {
    if (this.#source === undefined || this.#isFaulty || this.#begins) return undefined;
    return this.#source.watermarksAt(this.#syncedEnd);
  }

  /** The bytes of the segment that is being written. */
  get segmentBytes(): number {
    return this.#segment?.bytes ?? 0;
  }

  /**
   * Writes what is published in `stream` from now on. `follows`: whether it continues what was written, or
   * else what is before it.
   */
  follow(stream: FrameStream, follows: Follows): void {
    if (this.#isClosed || this.#isFaulty) return;
    this.#leave();
    this.#proofs.begin(stream);
    this.#tasks.push({ open: { history: stream.history, watermarks: stream.watermarks(), follows } });
    this.#source = new FollowedStream(stream, this.#lastEnd, {
      ready: () => this.#ready(),
      interrupt: (reason) => this.#interrupt(reason),
    });
    this.#work();
  }

  #ready(): void {
    if (this.end - this.#writtenEnd > LOST_BYTES) {
      this.#fail(new Error(`the disk is ${LOST_BYTES} bytes behind what is written`));
    } else this.#work();
  }

  #interrupt(reason: string): void {
    const { timers, onInterrupted } = this.#options;
    this.#leave();
    timers.endOfTurn(() => {
      if (this.#source === undefined && !this.#isClosed && !this.#isFaulty) onInterrupted(reason);
    });
  }

  /** Whether clients are to be answered only when their writes are synced, or when the disk has caught up. */
  get holdsReplies(): boolean {
    if (this.#isFaulty) return false;
    return this.#fsync === 'always' ? this.unsyncedBytes > 0 : this.end - this.#writtenEnd > HOLD_BYTES;
  }

  /** The ends of turns that the write under way puts off. */
  get turns(): Pick<PutOffTurns, 'putsOff' | 'joins'> {
    return this.#turns;
  }

  /** Calls `run` when all that is published now is on the disk, or when the disk has failed. */
  whenSynced(run: (isSynced: boolean) => void): void {
    const { end } = this;
    this.#waiters.add(end, run);
    if (this.#isFaulty || end <= this.#syncedEnd) this.#answer();
    if (this.#waiters.isEmpty) return;
    this.#work();
    if (this.#fsync !== 'always' || end <= this.#writtenEnd) void this.#sync();
  }

  /** Resolves when the segment of the present stream is begun, or the disk has failed. */
  async begun(): Promise<void> {
    const begins = () => this.#isOpening || this.#begins;
    while (!this.#isFaulty && begins() && this.#running !== undefined) await this.#running;
  }

  /** Writes and syncs all that was published; takes nothing more. Returns whether all is on the disk. */
  async close(): Promise<boolean> {
    const last = this.#source;
    this.#leave();
    const proof = last && this.#proofs.take(last.stream);
    if (proof !== undefined) this.#tasks.push({ pieces: [proof], end: this.#lastEnd });
    this.#isClosed = true;
    this.#work();
    while (this.#running !== undefined) await this.#running;
    await this.#syncs.settled();
    if (!this.#isFaulty) await this.#sync();
    this.#syncTimer?.cancel();
    this.#gathering.cancel();
    this.#syncs.close();
    return !this.#isFaulty && this.#syncedEnd === this.#lastEnd;
  }

  /** Writes nothing more, whatever was published; resolves when nothing is under way. */
  async abandon(): Promise<void> {
    this.#giveUp();
    await this.#running;
    await this.#syncs.settled();
    this.#syncs.close();
  }

  #giveUp(): void {
    if (this.#isFaulty) return;
    // Clients of turns that wait are held with the others, none of whom is answered.
    this.#turns.close();
    this.#isFaulty = true;
    this.#proofs.cancel();
    this.#syncTimer?.cancel();
    this.#tasks.length = 0;
    this.#gathering.cancel();
    this.#source?.close();
    this.#lastEnd = this.end;
    this.#source = undefined;
    this.#answer();
  }

  /** Ends what is written of the present stream with a copy of what has not been taken. */
  #leave(): void {
    // The writes of turns that wait are of this stream.
    this.#turns.close();
    const source = this.#source;
    if (source === undefined) return;
    this.#source = undefined;
    this.#proofs.cancel();
    this.#lastEnd = source.end;
    this.#tasks.push(...source.leave());
  }

  #work(): void {
    if (this.#running !== undefined || !this.#hasWork()) return;
    this.#running = this.#write().catch((error: Error) => this.#fail(error));
    void this.#running.then(() => {
      this.#running = undefined;
      this.#work();
    });
  }

  #hasWork(): boolean {
    if (this.#isFaulty) return false;
    if (this.#tasks.length > 0 || this.#proofs.isDue || this.#isFull) return true;
    const lackingBytes = this.#source?.lackingBytes ?? 0;
    const isAwaited = this.#fsync === 'always' || !this.#waiters.isEmpty;
    return lackingBytes > 0 && (isAwaited || !this.#gathering.waits(lackingBytes));
  }

  /** Whether the next segment is to be begun. */
  get #isFull(): boolean {
    return this.#source !== undefined && this.segmentBytes >= this.#options.segmentBytes;
  }

  async #write(): Promise<void> {
    while (this.#hasWork()) {
      // A caller that publishes at this moment is done with the store then.
      if (this.#proofs.isDue) await undefined;
      const task = this.#tasks.shift();
      if (task !== undefined && 'open' in task) {
        this.#isBeginning = true;
        await this.#open(task.open);
        this.#isBeginning = false;
        this.#answer();
        continue;
      }
      const source = this.#source;
      if (task === undefined && source !== undefined && this.#isFull) {
        const { stream, takenWatermarks: watermarks } = source;
        await this.#open({ history: stream.history, watermarks, follows: 'segment' });
        continue;
      }
      const { pieces, end } = task ?? this.#gather();
      if (pieces.length === 0) return;
      const isSynced = this.#fsync === 'always';
      const segment = this.#segment!;
      const writing = isSynced
        ? this.#syncs.run(() => segment.appendSealed(pieces, true))
        : segment.appendSealed(pieces, false);
      if (isSynced) this.#turns.begin();
      await writing;
      source?.written();
      this.#writtenEnd = end;
      if (isSynced) {
        this.#synced(end);
        await this.#turns.rounds();
      } else if (!this.#waiters.isEmpty) await this.#sync();
      this.#turns.end();
      if (this.#fsync !== 'no') this.#planSync();
    }
  }

  #gather(): FrameGroup {
    const source = this.#source;
    this.#gathering.taken();
    if (source === undefined) {
      this.#proofs.cancel();
      return { pieces: [], end: this.#lastEnd };
    }
    if (this.#proofs.isDue) source.stream.flush();
    const { pieces, end } = source.take();
    const isAll = source.lackingBytes === 0;
    const proof = this.#proofs.isDue && isAll ? this.#proofs.take(source.stream) : undefined;
    if (proof !== undefined) pieces.push(proof);
    else if (pieces.length > 0) this.#proofs.plan();
    return { pieces, end };
  }

  async #open(start: SegmentStart): Promise<void> {
    const { history, watermarks } = start;
    this.#isOpening = true;
    if (this.#segment !== undefined) await this.#sync();
    const margin = new Map(this.#proofs.pairs(history, start.follows === 'segment'));
    const hello = encodeHelloFrame({ role: 'replica', watermarks }, { margin });
    this.#segment = await this.#options.openSegment(hello, start);
    this.#isOpening = false;
  }

  /** Has what is written synced in a second, and the segment marked with how far it is. */
  #planSync(): void {
    if (this.#isClosed) return;
    this.#syncTimer ??= this.#options.timers.after(SYNC_EVERY_MS, () => {
      this.#syncTimer = undefined;
      void this.#sync().then(() => this.#mark());
    });
  }

  /** Resolves when all that is written now is on the disk; it never rejects. */
  async #sync(): Promise<void> {
    const sync = async () => {
      const end = this.#writtenEnd;
      if (this.#segment === undefined || this.#isFaulty || this.#syncedEnd === end) return;
      await this.#segment.sync();
      this.#synced(end);
    };
    await this.#syncs.run(sync).catch((error: Error) => this.#fail(error));
  }

  async #mark(): Promise<void> {
    const mark = async () => {
      if (!this.#isFaulty && !this.#isClosed) await this.#segment?.mark();
    };
    await this.#syncs.run(mark).catch((error: Error) => this.#fail(error));
  }

  /** Has clients answered whose writes are on the disk, and reports that there is more. */
  #synced(end: number): void {
    if (end <= this.#syncedEnd) return;
    this.#syncedEnd = end;
    this.#answer();
    this.#options.onSynced();
  }

  /** Whether the beginning of a stream is not on the disk: nothing of what it has counts before. */
  get #begins(): boolean {
    return this.#isBeginning || this.#tasks.some((task) => 'open' in task);
  }

  /** Calls those who wait for nothing more. */
  #answer(): void {
    if (this.#isFaulty) this.#waiters.fail();
    else if (!this.#begins) this.#waiters.answer(this.#syncedEnd);
  }

  #fail(error: Error): void {
    if (this.#isFaulty) return;
    this.#giveUp();
    this.#options.onFault(error);
  }
}
