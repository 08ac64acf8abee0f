/**
 * The data directory of a server (docs/data-directory.md): it owns the manifest, the journal and the bases,
 * and what is done when the disk fails.
 */
import type { Clock, Timer, Timers } from '../clock.js';
import { FastcacheError } from '../errors.js';
import type { Log } from '../replication/log.js';
import type { Carousel } from '../replication/primary/carousel.js';
import { type FrameStream, isAtBeginning } from '../replication/stream/stream.js';
import { GivenUp } from './base-maker.js';
import { Bases, type SaveReport } from './bases.js';
import type { DataFiles, DataLock } from './data-files.js';
import type { DumpFile } from './dump-file.js';
import { DumpMaker } from './dump-maker.js';
import { type FsyncPolicy, Journal, type SegmentStart } from './journal.js';
import { contentOf, dumpOf, sealed, segmentName, tailOf } from './manifest.js';
import type { ManifestKeeper } from './manifest-keeper.js';
import { Removals } from './removals.js';
import { type BaseRule, isBaseDue, type Keep } from './retention.js';
import { SegmentArchive } from './segment-archive.js';
import { markName } from './sync-mark.js';

/** The rules that an operator may change while a directory is written. */
export interface DataRules {
  readonly base: BaseRule;
  readonly keep: Keep;
}

/** The options of a data directory. */
export interface DataOptions {
  readonly files: DataFiles;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly fsync: FsyncPolicy;
  readonly segmentBytes: number;
  /** Returns what is in force at present; absent: bases as they are worth it, and two are kept. */
  rules?(): DataRules;
  /** Returns how many records were written or applied since the start; absent: nobody asks. */
  changes?(): number;
  /** Called when more is on the disk than before. */
  onSynced?(): void;
  /** Called when the disk has failed, once until it can be written again. */
  onFault?(error: Error): void;
  /** The stream of the node; undefined: it has no content. */
  stream(): FrameStream | undefined;
  /** The carousel of a stream. */
  carousel(stream: FrameStream): Carousel;
}

/** Milliseconds until writing is tried again after a fault. */
const RETRY_MS = 1_000;
const DEFAULT_RULES: DataRules = { base: 'auto', keep: { bases: 2 } };

/** The facts about the files, for INFO. */
export interface SizeReport {
  /** Bytes of the newest base and of the segments behind it. */
  readonly bytes: number;
  readonly baseBytes: number;
  /** Bytes that were published and are not written yet. */
  readonly unwrittenBytes: number;
  readonly isSyncing: boolean;
  /** How many syncs took longer than two seconds. */
  readonly slowSyncs: number;
}

/** An open data directory, from `begin` until `close`. */
export class DataDirectory {
  readonly #options: DataOptions;
  readonly #lock: DataLock;
  readonly #keeper: ManifestKeeper;
  /** The frames for replicas that lack more than the backlog has. */
  readonly archive: SegmentArchive;
  #journal: Journal;
  #segment: DumpFile | undefined;
  /** The callers that wait for the base without which published frames do not count. */
  readonly #awaitingBase: ((isSynced: boolean) => void)[] = [];
  #fault: Error | undefined;
  #retry: Timer | undefined;
  readonly #dumps: DumpMaker;
  readonly #removals: Removals;
  readonly #bases: Bases;
  #fsync: FsyncPolicy;
  /** The last history that counts in the directory. */
  #begunHistory: string | undefined;
  #isEnding = false;
  #isClosed = false;

  /** `keeper` has the manifest of the directory, which `lock` is of. */
  constructor(options: DataOptions, lock: DataLock, keeper: ManifestKeeper) {
    this.#options = options;
    this.#lock = lock;
    this.#keeper = keeper;
    const { files, clock, timers, stream, log } = options;
    const writtenBytes = (number: number) => this.#writtenBytes(number);
    const segment = () => this.#segment;
    this.archive = new SegmentArchive({ files, keeper, clock, timers, stream, writtenBytes, segment });
    this.#fsync = options.fsync;
    this.#journal = this.#newJournal();
    const removals = new Removals({ files, clock, timers, log });
    this.#removals = removals;
    this.#dumps = new DumpMaker({ files, keeper, removals, named: () => this.#named() });
    this.#bases = new Bases({
      ...options,
      keeper,
      removals,
      dumps: this.#dumps,
      journal: () => this.#journal,
      changes: options.changes ?? (() => 0),
      keep: () => this.#rules.keep,
      fault: () => this.#fault,
    });
  }

  /** Why nothing is written at present; undefined: all is well. */
  get fault(): Error | undefined {
    return this.#fault;
  }

  /** The facts about its bases. */
  get save(): SaveReport {
    return this.#bases.report;
  }

  /** The facts about its files. */
  get size(): SizeReport {
    const { manifest } = this.#keeper;
    const baseBytes = contentOf(manifest)?.base?.bytes ?? 0;
    const bytes = baseBytes + tailOf(manifest) + (this.#segment?.bytes ?? 0);
    const { unwrittenBytes, isSyncing, slowSyncs } = this.#journal;
    return { bytes, baseBytes, unwrittenBytes, isSyncing, slowSyncs };
  }

  /** Whether all that was published is on the disk and counts, with the content that it follows. */
  get isSynced(): boolean {
    if (this.#fault !== undefined || this.#keeper.lacksBase) return false;
    return this.#journal.isBegun(this.#options.stream()) && this.#journal.unsyncedBytes === 0;
  }

  /** Whether a crash would leave the history of the present stream there; with `always` it counts as well. */
  get isBegun(): boolean {
    const id = this.#options.stream()?.history.id;
    return id !== undefined && id === this.#begunHistory;
  }

  /** The watermarks of the present stream that would be there after a crash; undefined: not known. */
  get syncedWatermarks(): readonly bigint[] | undefined {
    return this.#fault === undefined && !this.#keeper.lacksBase ? this.#journal.syncedWatermarks : undefined;
  }

  /** Has bytes that are written from now on synced so. */
  set fsync(policy: FsyncPolicy) {
    this.#fsync = policy;
    this.#journal.fsync = policy;
  }

  /** Whether clients are to be answered only when their writes are on the disk. */
  get holdsReplies(): boolean {
    if (this.#journal.holdsReplies) return true;
    return this.#keeper.lacksBase && this.#fsync === 'always' && this.#fault === undefined;
  }

  /** The ends of turns that a write to the disk puts off. */
  get turns(): Journal['turns'] {
    return this.#journal.turns;
  }

  /**
   * Calls `run` when all that is published now is on the disk and counts, which takes a base where the
   * content follows one; or when the disk has failed.
   */
  whenSynced(run: (isSynced: boolean) => void): void {
    this.#journal.whenSynced((isSynced) => {
      const isSafe = isSynced && this.#fault === undefined;
      if (isSafe && this.#keeper.lacksBase) this.#awaitingBase.push(run);
      else run(isSafe);
    });
  }

  /**
   * Writes what is published in `stream` from now on. `continues`: it continues what the directory has;
   * otherwise its content is saved.
   */
  follow(stream: FrameStream, continues: boolean): void {
    if (this.#isClosed || this.#fault !== undefined) return;
    this.#bases.giveUp(new GivenUp('another stream is followed'));
    if (continues && !this.#keeper.lacksBase) {
      this.#journal.follow(stream, 'segment');
      return;
    }
    const isNew = isAtBeginning(stream);
    this.#journal.follow(stream, isNew ? 'nothing' : 'base');
    if (!isNew) this.#saveLater(0);
  }

  /** Resolves when what the present stream brings can be written. Rejects with why it cannot. */
  async begun(): Promise<void> {
    await this.#journal.begun();
    if (this.#fault !== undefined) throw this.#fault;
  }

  /** Makes no base any more, and ends the one that is being made. */
  giveUp(): void {
    this.#isEnding = true;
    this.#bases.giveUp(new GivenUp('the server stops'));
  }

  /** Makes a base. Resolves when it is whole and on the disk. Rejects with why it is not. */
  async makeBase(): Promise<void> {
    if (this.#isEnding) throw new GivenUp('the server stops');
    await this.#bases.make();
    this.#options.onSynced?.();
    await this.#bases.tidied;
  }

  /** Makes the base that the content needs, and waits for no other. Rejects with why it is not whole. */
  async anchor(): Promise<void> {
    if (this.#fault !== undefined) return;
    this.#retry?.cancel();
    await this.#journal.begun();
    if (this.#keeper.lacksBase) await this.#bases.settled();
    if (this.#keeper.lacksBase) await this.makeBase();
  }

  /**
   * Writes what was published and gives the directory back. `isClean`: the history may continue under its own
   * id. Throws WRITE_FAILED when not all is on the disk.
   */
  async close(isClean: boolean): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#retry?.cancel();
    this.giveUp();
    this.#removals.stop();
    await this.#bases.settled();
    try {
      const isWhole = await this.#journal.close();
      await this.#bases.settled();
      if (!isWhole) throw this.#fault ?? new Error('the last bytes could not be written');
      if (this.#keeper.lacksBase) throw new Error('no base could be made of content that needs one');
      const segment = this.#segment;
      await segment?.seal();
      await this.#keeper.update((manifest) => ({
        ...sealed(manifest, segment),
        isClean: isClean && isWhole,
      }));
      if (segment !== undefined) await this.#removals.remove([markName(segment.name)]);
    } catch (cause) {
      await this.#segment?.close().catch(() => {});
      const message = `The data directory is not whole: ${(cause as Error).message}.`;
      throw new FastcacheError('WRITE_FAILED', message, { file: this.#options.files.pathOf(''), cause });
    } finally {
      this.#answerWaiting(false);
      await this.#lock.release();
    }
  }

  /** Bytes of a segment that can be read; undefined: it was not sealed, and nothing more is written to it. */
  #writtenBytes(number: number): number | undefined {
    const { segments } = this.#keeper.manifest;
    const entry = segments.find((each) => each.number === number);
    if (entry?.bytes !== null) return entry?.bytes;
    if (this.#fault !== undefined || this.#isClosed || entry !== segments.at(-1)) return undefined;
    return this.#segment?.name === segmentName(number) ? this.#segment.writtenBytes : 0;
  }

  #newJournal(): Journal {
    return new Journal({
      ...this.#options,
      fsync: this.#fsync,
      onSynced: () => this.#options.onSynced?.(),
      openSegment: (hello, start) => this.#openSegment(hello, start),
      onInterrupted: () => {
        const stream = this.#options.stream();
        if (stream !== undefined) this.follow(stream, false);
      },
      onFault: (error) => this.#failed(error),
    });
  }

  async #openSegment(hello: Buffer, { history, follows }: SegmentStart): Promise<DumpFile> {
    const last = this.#segment;
    await last?.seal();
    const begunAtMs = Math.floor(this.#options.clock.nowMs());
    const nextName = () => segmentName(this.#keeper.nextSegment());
    const file = await this.#dumps.make(nextName, async (made) => {
      await made.append([hello]);
      await made.sync();
      const { number } = dumpOf(made.name)!;
      const entry = { number, bytes: null, follows, history: history.id, begunAtMs };
      return (manifest) => {
        const before = sealed(manifest, last);
        return { ...before, segments: [...before.segments, entry] };
      };
    });
    this.#segment = file;
    if (this.#fault === undefined && this.#wantsBase()) this.#saveLater(0);
    this.#bases.tidy(last === undefined ? [] : [markName(last.name)]);
    return file;
  }

  /** Called when the manifest names another dump. */
  #named(): void {
    const { lacksBase, manifest } = this.#keeper;
    if (!lacksBase) this.#answerWaiting(true);
    if (lacksBase && this.#fsync === 'always') return;
    this.#begunHistory = manifest.segments.at(-1)?.history;
    this.#options.onSynced?.();
  }

  get #rules(): DataRules {
    return this.#options.rules?.() ?? DEFAULT_RULES;
  }

  #answerWaiting(isSynced: boolean): void {
    for (const run of this.#awaitingBase.splice(0)) run(isSynced);
  }

  #wantsBase(): boolean {
    const { manifest } = this.#keeper;
    return isBaseDue(this.#rules.base, tailOf(manifest), manifest.bases.at(-1)?.bytes ?? 0);
  }

  /** Makes a base soon; one that the content needs and that fails is a fault of the disk, unless given up. */
  #saveLater(delayMs: number): void {
    const { timers, log } = this.#options;
    this.#retry?.cancel();
    this.#retry = timers.after(delayMs, () => {
      if (this.#isClosed || this.#fault !== undefined) return;
      const isNeeded = () => this.#keeper.lacksBase && !this.#isClosed && this.#fault === undefined;
      // One that was begun for what was there before does not do; what is there now may not be begun yet.
      const retry = () => this.#journal.begun().then(() => isNeeded() && this.#saveLater(RETRY_MS));
      this.makeBase().then(retry, (error: Error) => {
        const isFault = !(error instanceof GivenUp);
        log[isFault ? 'warn' : 'info'](`no base was made: ${error.message}`);
        if (isNeeded() && isFault) this.#failed(error);
        else void retry();
      });
    });
  }

  #failed(error: Error): void {
    const { log, files, onFault } = this.#options;
    const isNew = this.#fault === undefined;
    this.#fault = error;
    this.#bases.giveUp(error);
    this.#removals.hurry();
    this.#answerWaiting(false);
    if (isNew) {
      log.error(
        `the data directory ${files.pathOf('')} cannot be written: ${error.message}. It is tried again each ` +
          'second; make room, or mend the disk',
      );
      onFault?.(error);
    }
    if (!this.#isClosed) this.#resumeLater();
  }

  #resumeLater(): void {
    this.#retry?.cancel();
    this.#retry = this.#options.timers.after(RETRY_MS, () => void this.#resume());
  }

  /** Begins to write again, with a base of its own: the bytes that were written last may be there or not. */
  async #resume(): Promise<void> {
    const { log } = this.#options;
    // A base that is nearly whole is none of what begins here.
    this.#bases.giveUp(new GivenUp('the content is saved anew'));
    await this.#bases.settled();
    if (this.#isClosed) return;
    const stream = this.#options.stream();
    if (!this.#journal.isBegun(stream)) {
      await this.#journal.abandon();
      await this.#segment?.close().catch(() => {});
      this.#segment = undefined;
      if (this.#isClosed) return;
      if (stream === undefined) {
        this.#resumeLater();
        return;
      }
      this.#journal = this.#newJournal();
      this.#journal.follow(stream, 'base');
    }
    const journal = this.#journal;
    try {
      await this.makeBase();
      if (this.#keeper.lacksBase) throw new GivenUp('the saved content is not the present one');
    } catch (error) {
      if (this.#journal === journal && !journal.isFaulty) this.#failed(error as Error);
      return;
    }
    // It may have failed again meanwhile, and has then planned the next try itself.
    if (this.#journal !== journal || journal.isFaulty) return;
    this.#fault = undefined;
    log.info('the data directory can be written again, and has all content');
  }
}
