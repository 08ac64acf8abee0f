/**
 * The data directory of a server (docs/data-directory.md): it owns the manifest, the journal and the bases,
 * and what is done when the disk fails.
 */
import type { Clock, Timer, Timers } from '../clock.js';
import { FastcacheError } from '../errors.js';
import type { Log } from '../replication/log.js';
import type { Carousel } from '../replication/primary/carousel.js';
import type { FrameStream } from '../replication/stream/stream.js';
import { BaseMaker } from './base-maker.js';
import type { DataFiles, DataLock } from './data-files.js';
import { DumpFile } from './dump-file.js';
import { type FsyncPolicy, Journal, type SegmentStart } from './journal.js';
import { type BaseEntry, baseName, contentOf, type Manifest, segmentName } from './manifest.js';
import { filesOf, type ManifestKeeper } from './manifest-keeper.js';
import { SegmentArchive } from './segment-archive.js';

/** What a data directory works with. */
export interface DataOptions {
  readonly files: DataFiles;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly fsync: FsyncPolicy;
  readonly segmentBytes: number;
  /** The stream of the node; undefined: it has no content. */
  stream(): FrameStream | undefined;
  /** The carousel of a stream. */
  carousel(stream: FrameStream): Carousel;
}

/** What is known of the last base, for INFO and LASTSAVE. */
export interface SaveReport {
  readonly isSaving: boolean;
  /** Unix ms of the last base; undefined: there is none. */
  readonly lastMs: number | undefined;
  readonly isLastOk: boolean;
}

/** Milliseconds until writing is tried again after a fault. */
const RETRY_MS = 1_000;
/** Less is never worth a base. */
const BASE_AFTER_BYTES = 64 * 1_048_576;

/** An open data directory, from `begin` until `close`. */
export class DataDirectory {
  readonly #options: DataOptions;
  readonly #lock: DataLock;
  readonly #keeper: ManifestKeeper;
  /** What replicas are sent that lack more than the backlog has. */
  readonly archive: SegmentArchive;
  #journal: Journal;
  #segment: DumpFile | undefined;
  #saving: Promise<void> | undefined;
  #maker: BaseMaker | undefined;
  #isLastSaveOk = true;
  /** Who waits for the base without which what is published does not count. */
  readonly #awaitingBase: ((isSynced: boolean) => void)[] = [];
  #fault: Error | undefined;
  #retry: Timer | undefined;
  /** Dumps that a manifest names which may be on the disk, or not. */
  readonly #doubtful: string[] = [];
  #isClosed = false;

  /** `keeper` has the manifest of the directory, which `lock` is of. */
  constructor(options: DataOptions, lock: DataLock, keeper: ManifestKeeper) {
    this.#options = options;
    this.#lock = lock;
    this.#keeper = keeper;
    const { files, clock, timers, stream } = options;
    const writtenBytes = (number: number) => this.#writtenBytes(number);
    this.archive = new SegmentArchive({ files, keeper, clock, timers, stream, writtenBytes });
    this.#journal = this.#newJournal();
  }

  /** Why nothing is written at present; undefined: all is well. */
  get fault(): Error | undefined {
    return this.#fault;
  }

  /** What is known of its bases. */
  get save(): SaveReport {
    const lastMs = this.#keeper.manifest.bases.at(-1)?.madeAtMs;
    return { isSaving: this.#saving !== undefined, lastMs, isLastOk: this.#isLastSaveOk };
  }

  /** Whether clients are to be answered only when their writes are on the disk. */
  get holdsReplies(): boolean {
    const isAwaitingBase =
      this.#keeper.lacksBase && this.#options.fsync === 'always' && this.#fault === undefined;
    return isAwaitingBase || this.#journal.holdsReplies;
  }

  /**
   * Calls `run` when all that is published now is on the disk and counts, which takes a base where the
   * content follows one; or when the disk has failed.
   */
  whenSynced(run: (isSynced: boolean) => void): void {
    this.#journal.whenSynced((isSynced) => {
      if (isSynced && this.#keeper.lacksBase) this.#awaitingBase.push(run);
      else run(isSynced);
    });
  }

  /**
   * Writes what is published in `stream` from now on. `continues`: it continues what the directory has;
   * otherwise its content is saved.
   */
  follow(stream: FrameStream, continues: boolean): void {
    if (this.#isClosed || this.#fault !== undefined) return;
    this.#maker?.giveUp(new Error('another stream is followed'));
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

  /** Makes a base. Resolves when it is whole and on the disk. Rejects with why it is not. */
  makeBase(): Promise<void> {
    this.#saving ??= this.#save().finally(() => {
      this.#saving = undefined;
    });
    return this.#saving;
  }

  /** Makes the base that the content needs, if there is one to make: to be called before the stream ends. */
  async anchor(): Promise<void> {
    this.#retry?.cancel();
    if (this.#fault !== undefined) return;
    await this.#journal.begun();
    await this.#saving?.catch(() => {});
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
    this.#maker?.giveUp(new Error('the server stops'));
    await this.#saving?.catch(() => {});
    try {
      const isWhole = await this.#journal.close();
      if (!isWhole) throw this.#fault ?? new Error('the last bytes could not be written');
      if (this.#keeper.lacksBase) throw new Error('no base could be made of content that needs one');
      const segment = this.#segment;
      await segment?.seal();
      await this.#keeper.update((manifest) => ({
        ...sealed(manifest, segment),
        isClean: isClean && isWhole,
      }));
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
    const { timers, log, fsync, segmentBytes } = this.#options;
    return new Journal({
      timers,
      log,
      fsync,
      segmentBytes,
      openSegment: (hello, start) => this.#openSegment(hello, start),
      onInterrupted: () => {
        const stream = this.#options.stream();
        if (stream !== undefined) this.follow(stream, false);
      },
      onFault: (error) => this.#failed(error),
    });
  }

  async #openSegment(hello: Buffer, { history, follows }: SegmentStart): Promise<DumpFile> {
    const { clock } = this.#options;
    const last = this.#segment;
    await last?.seal();
    const number = this.#keeper.nextSegment();
    const name = segmentName(number);
    const begunAtMs = Math.floor(clock.nowMs());
    const entry = { number, bytes: null, follows, history: history.id, begunAtMs };
    const file = await this.#made(name, async (made) => {
      await made.append([hello]);
      await made.sync();
      return (manifest) => {
        const before = sealed(manifest, last);
        return { ...before, segments: [...before.segments, entry] };
      };
    });
    this.#segment = file;
    if (this.#fault === undefined && this.#wantsBase()) this.#saveLater(0);
    return file;
  }

  /**
   * Makes a dump, has it filled, and the manifest changed as `fill` says. A fault leaves nothing, unless the
   * manifest may have been replaced all the same and name the dump: that stays until a later one is written.
   */
  async #made(
    name: string,
    fill: (file: DumpFile) => Promise<(manifest: Manifest) => Manifest>,
  ): Promise<DumpFile> {
    let file: DumpFile | undefined;
    let change: ((manifest: Manifest) => Manifest) | undefined;
    try {
      file = await DumpFile.create(this.#options.files, name);
      const filled = await fill(file);
      await this.#options.files.syncNames();
      change = filled;
      await this.#keeper.update(change);
    } catch (error) {
      await file?.close().catch(() => {});
      if (change === undefined) await this.#removeFile(name);
      else this.#doubtful.push(name);
      throw error;
    }
    if (!this.#keeper.lacksBase) this.#answerWaiting(true);
    for (const left of this.#doubtful.splice(0)) await this.#removeFile(left);
    return file;
  }

  #answerWaiting(isSynced: boolean): void {
    for (const run of this.#awaitingBase.splice(0)) run(isSynced);
  }

  /** Removes a dump as far as the disk lets it. */
  async #removeFile(name: string): Promise<void> {
    for (const each of filesOf(name)) await this.#options.files.remove(each).catch(() => {});
  }

  #wantsBase(): boolean {
    const { manifest } = this.#keeper;
    const baseBytes = manifest.bases.at(-1)?.bytes ?? 0;
    return tailOf(manifest) > Math.max(baseBytes, BASE_AFTER_BYTES);
  }

  /** Makes a base soon; one that fails is tried again as long as the content needs it. */
  #saveLater(delayMs: number): void {
    const { timers, log } = this.#options;
    this.#retry?.cancel();
    this.#retry = timers.after(delayMs, () => {
      if (this.#isClosed || this.#fault !== undefined) return;
      // One that was begun for what was there before does not do.
      const retry = () => {
        if (this.#keeper.lacksBase && !this.#isClosed && this.#fault === undefined) this.#saveLater(RETRY_MS);
      };
      this.makeBase().then(retry, (error: Error) => {
        log.warn(`no base was made: ${error.message}`);
        retry();
      });
    });
  }

  async #save(): Promise<void> {
    const { log } = this.#options;
    const number = this.#keeper.nextBase();
    const name = baseName(number);
    try {
      const file = await this.#made(name, async (made) => {
        const entry = await this.#fill(made, number);
        return (manifest) => ({ ...manifest, bases: [...manifest.bases, entry] });
      });
      log.info(`${name} has the content, in ${file.bytes} bytes`);
      this.#isLastSaveOk = true;
    } catch (error) {
      this.#isLastSaveOk = false;
      throw error;
    }
    await this.#keeper.prune();
  }

  /** Fills a base with the present content. Resolves with its entry when it is on the disk. */
  async #fill(file: DumpFile, number: number): Promise<BaseEntry> {
    const { carousel, stream: streamNow, clock } = this.#options;
    await this.#journal.begun();
    const stream = streamNow();
    const segment = this.#keeper.manifest.segments.at(-1)?.number;
    if (stream === undefined || segment === undefined) throw new Error('there is no content');
    const maker = new BaseMaker({ stream, carousel: carousel(stream), file });
    this.#maker = maker;
    const keys = stream.store.keyCount();
    await maker.ended.finally(() => {
      this.#maker = undefined;
    });
    await new Promise<void>((resolve, reject) => {
      this.#journal.whenSynced((isSynced) =>
        isSynced ? resolve() : reject(this.#fault ?? new Error('the segments are not on the disk')),
      );
    });
    await file.seal();
    const { bytes } = file;
    const history = stream.history.id;
    return { number, bytes, segment, history, keys, madeAtMs: Math.floor(clock.nowMs()) };
  }

  #failed(error: Error): void {
    const { log, files } = this.#options;
    const isNew = this.#fault === undefined;
    this.#fault = error;
    this.#maker?.giveUp(error);
    this.#answerWaiting(false);
    if (isNew) {
      log.error(
        `the data directory ${files.pathOf('')} cannot be written: ${error.message}. Clients' writes are refused ` +
          '(MISCONF) until it can; make room, or mend the disk',
      );
    }
    if (!this.#isClosed) this.#resumeLater();
  }

  #resumeLater(): void {
    this.#retry?.cancel();
    this.#retry = this.#options.timers.after(RETRY_MS, () => void this.#resume());
  }

  /** Begins to write again, with a base of its own: what was written last may be there or not. */
  async #resume(): Promise<void> {
    const { log } = this.#options;
    await this.#journal.abandon();
    // A base that is nearly whole is none of what begins here.
    await this.#saving?.catch(() => {});
    await this.#segment?.close().catch(() => {});
    this.#segment = undefined;
    const stream = this.#options.stream();
    if (this.#isClosed) return;
    if (stream === undefined) {
      this.#resumeLater();
      return;
    }
    const journal = this.#newJournal();
    this.#journal = journal;
    journal.follow(stream, 'base');
    try {
      await this.makeBase();
    } catch (error) {
      if (this.#journal === journal && !journal.isFaulty) this.#failed(error as Error);
      return;
    }
    // It may have failed again meanwhile, and has then planned the next try itself.
    if (this.#journal !== journal || journal.isFaulty) return;
    this.#fault = undefined;
    log.info('the data directory can be written again, and has all content: writes are taken');
  }
}

/** Whether nothing was ever written to what the stream has. */
function isAtBeginning({ store, history, backlog }: FrameStream): boolean {
  const { base, previous } = history;
  const isUnwritten = backlog.watermarks().every((watermark) => watermark === base);
  return store.keyCount() === 0 && previous === undefined && isUnwritten;
}

/** Bytes of the sealed segments from the newest base on. */
function tailOf(manifest: Manifest): number {
  const { segments = [] } = contentOf(manifest) ?? {};
  return segments.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
}

/** Returns the manifest with this segment sealed. */
function sealed(manifest: Manifest, file: DumpFile | undefined): Manifest {
  if (file === undefined) return manifest;
  const segments = manifest.segments.map((entry) =>
    segmentName(entry.number) === file.name ? { ...entry, bytes: file.bytes } : entry,
  );
  return { ...manifest, segments };
}
