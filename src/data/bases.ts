/** The bases of a data directory: how one is made beside the writes, and what is known of the last one. */
import type { Clock, Timers } from '../clock.js';
import type { Log } from '../replication/log.js';
import type { Carousel } from '../replication/primary/carousel.js';
import type { FrameStream } from '../replication/stream/stream.js';
import { BaseMaker, GivenUp } from './base-maker.js';
import type { DumpFile } from './dump-file.js';
import type { DumpMaker } from './dump-maker.js';
import type { Journal } from './journal.js';
import { type BaseEntry, baseName, dumpOf } from './manifest.js';
import type { ManifestKeeper } from './manifest-keeper.js';
import type { Removals } from './removals.js';
import { type Keep, keptBases } from './retention.js';
import { markName } from './sync-mark.js';

/** The facts about the last base, for INFO and LASTSAVE. */
export interface SaveReport {
  readonly isSaving: boolean;
  /** Unix ms of the last base; undefined: there is none. */
  readonly lastMs: number | undefined;
  readonly isLastOk: boolean;
  /** How many were made since the start. */
  readonly count: number;
  /** How long the last one since the start took, ms; undefined: none was made. */
  readonly tookMs: number | undefined;
  /** How long the present one has taken so far, ms; undefined: none is being made. */
  readonly currentMs: number | undefined;
  /** The changes since the start that the last base has; 0: none was made. */
  readonly savedChanges: number;
}

/** The options of the bases. */
export interface BasesOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly keeper: ManifestKeeper;
  readonly dumps: DumpMaker;
  readonly removals: Removals;
  journal(): Journal;
  /** The stream of the node; undefined: it has no content. */
  stream(): FrameStream | undefined;
  /** The carousel of a stream. */
  carousel(stream: FrameStream): Carousel;
  /** Records that were written or applied since the start. */
  changes(): number;
  keep(): Keep;
  /** Why the disk cannot be written; undefined while it can. */
  fault(): Error | undefined;
}

/** The bases of one directory. */
export class Bases {
  readonly #options: BasesOptions;
  #making: Promise<void> | undefined;
  #maker: BaseMaker | undefined;
  /** The removal of files that is under way; it never rejects. */
  #tidying: Promise<void> = Promise.resolve();
  /** The error for which the base that is being made was given up. */
  #givenUpFor: Error | undefined;
  #startedMs = 0;
  #tookMs: number | undefined;
  #count = 0;
  #savedChanges = 0;
  #isLastOk = true;

  constructor(options: BasesOptions) {
    this.#options = options;
  }

  get report(): SaveReport {
    const { clock, keeper } = this.#options;
    const isSaving = this.#making !== undefined;
    return {
      isSaving,
      lastMs: keeper.manifest.bases.at(-1)?.madeAtMs,
      isLastOk: this.#isLastOk,
      count: this.#count,
      tookMs: this.#tookMs,
      currentMs: isSaving ? clock.nowMs() - this.#startedMs : undefined,
      savedChanges: this.#savedChanges,
    };
  }

  /** Makes a base, or joins the one that is being made. Rejects with why it is not whole. */
  make(): Promise<void> {
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined;
    });
    return this.#making;
  }

  /** Ends the base that is being made, for this reason, however far it is. */
  giveUp(error: Error): void {
    this.#givenUpFor ??= error;
    this.#maker?.giveUp(error);
  }

  /** Resolves when no base is being made, whatever became of it, and nothing is being removed. */
  async settled(): Promise<void> {
    await this.#making?.catch(() => {});
    await this.#tidying;
  }

  /** Resolves when nothing is being removed. */
  get tidied(): Promise<void> {
    return this.#tidying;
  }

  /**
   * Removes these files soon, and those that are not to be kept any longer. Files that cannot be removed are
   * logged, and tried again later.
   */
  tidy(names: readonly string[]): void {
    // A removal that is not over when the next is due would fall behind the writes.
    this.#options.removals.hurry();
    this.#tidying = this.#tidying.then(() => this.#tidy(names));
  }

  async #tidy(names: readonly string[]): Promise<void> {
    const { keeper, keep, clock, log, removals } = this.#options;
    await removals.remove(names);
    const kept = () => keptBases(keeper.manifest, keep(), clock.nowMs());
    if (kept() >= keeper.manifest.bases.length) return;
    try {
      await removals.remove(await keeper.prune(kept));
    } catch (error) {
      log.warn(`old files were not removed: ${(error as Error).message}. It is tried again`);
    }
  }

  async #make(): Promise<void> {
    const { log, clock, keeper, dumps, changes } = this.#options;
    this.#givenUpFor = undefined;
    this.#startedMs = clock.nowMs();
    const changesBefore = changes();
    try {
      const nextName = () => baseName(keeper.nextBase());
      const file = await dumps.make(nextName, async (made) => {
        const entry = await this.#fill(made);
        return (manifest) => {
          this.#goOn();
          return { ...manifest, bases: [...manifest.bases, entry] };
        };
      });
      log.info(`${file.name} has the content, in ${file.bytes} bytes`);
      this.#isLastOk = true;
      this.#count += 1;
      this.#tookMs = clock.nowMs() - this.#startedMs;
      this.#savedChanges = changesBefore;
      // It is named: the mark of what is not whole has done its work.
      this.tidy([markName(file.name)]);
    } catch (error) {
      this.#isLastOk = false;
      throw error;
    }
  }

  /** Fills a base with the present content. Resolves with its entry when it is on the disk. */
  async #fill(file: DumpFile): Promise<BaseEntry> {
    const { carousel, stream: streamNow, clock, timers, keeper, journal: journalNow, fault } = this.#options;
    const journal = journalNow();
    await journal.begun();
    this.#goOn();
    const stream = streamNow();
    const segment = keeper.manifest.segments.at(-1)?.number;
    if (stream === undefined || segment === undefined) throw new GivenUp('there is no content');
    // Of another stream, the segments are not those that are applied to it.
    if (!journal.isBegun(stream)) throw fault() ?? new GivenUp('another stream is followed');
    const maker = new BaseMaker({ stream, carousel: carousel(stream), file, timers });
    this.#maker = maker;
    const keys = stream.store.keyCount();
    await maker.ended.finally(() => {
      this.#maker = undefined;
    });
    await new Promise<void>((resolve, reject) => {
      journal.whenSynced((isSynced) =>
        isSynced ? resolve() : reject(fault() ?? new Error('the segments are not on the disk')),
      );
    });
    this.#goOn();
    await file.seal();
    this.#goOn();
    const { bytes } = file;
    const { number } = dumpOf(file.name)!;
    const history = stream.history.id;
    return { number, bytes, segment, history, keys, madeAtMs: Math.floor(clock.nowMs()) };
  }

  /** Throws what the base was given up for. */
  #goOn(): void {
    if (this.#givenUpFor !== undefined) throw this.#givenUpFor;
  }
}
