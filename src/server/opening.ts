/**
 * A node that is to lead, as long as it loads its first content: its ports are open, and clients and replicas
 * are answered that it is loading.
 */
import type { Clock, Timer, Timers } from '../clock.js';
import { FastcacheError } from '../errors.js';
import type { Log } from '../replication/log.js';
import type { Holding } from '../replication/replica/holding.js';
import { Later } from '../resp/later.js';
import { type LoadingReport, type NodeReport, servingReport } from '../status/report.js';
import type { OnRead } from './load.js';
import type { NodeParts } from './parts.js';

/** A start asks so often whether it is to go on, while it waits for something else than files. */
const LOOK_MS = 100;

/** A start that is abandoned is waited for so long: a disk that does not answer may keep it for ever. */
const LEAVE_MS = 5_000;

/** How far the loading of a start is, in either role, and whether it goes on. */
export class LoadingProgress {
  readonly #clock: Clock;
  readonly #onLoading: OnRead | undefined;
  readonly #startedMs: number;
  #bytes = 0;
  #totalBytes = 0;
  #fault: Error | undefined;
  #end: (error: Error) => void = () => {};
  /** Rejects with the error for which the start is abandoned. */
  readonly ended: Promise<never>;
  /** Resolves when the start does nothing any more. */
  #over: Promise<void> = Promise.resolve();
  #isOver = true;

  /** An error that `onLoading` throws ends the start. */
  constructor(clock: Clock, onLoading: OnRead | undefined) {
    this.#clock = clock;
    this.#onLoading = onLoading;
    this.#startedMs = clock.nowMs();
    this.ended = new Promise((_resolve, reject) => {
      this.#end = reject;
    });
    // A caller that waits for it gets the error; without one it must not be an unhandled rejection.
    this.ended.catch(() => {});
  }

  /** Notes the bytes of all files that were read so far. Throws once the start is abandoned. */
  read(bytes: number, totalBytes: number): void {
    this.#bytes = bytes;
    this.#totalBytes = totalBytes;
    this.check();
    this.#onLoading?.(bytes, totalBytes);
  }

  /** Throws the error for which the start is abandoned. */
  check(): void {
    if (this.#fault !== undefined) throw this.#fault;
  }

  /** Ends the start, whatever it waits for. */
  abandon(error: Error = new FastcacheError('CLOSED', 'A client has sent SHUTDOWN during the start.')): void {
    this.#fault ??= error;
    this.#end(this.#fault);
  }

  /** Waits for the start. Rejects as the start does, or at once with the error for which it is abandoned. */
  async until(opening: Promise<void>, timers: Timers): Promise<void> {
    this.#isOver = false;
    this.#over = opening
      .catch(() => {})
      .finally(() => {
        this.#isOver = true;
      });
    let timer: Timer | undefined;
    const look = () => {
      try {
        this.#onLoading?.(this.#bytes, this.#totalBytes);
        timer = timers.after(LOOK_MS, look);
      } catch (error) {
        this.abandon(error as Error);
      }
    };
    if (this.#onLoading !== undefined) timer = timers.after(LOOK_MS, look);
    await Promise.race([opening, this.ended]).finally(() => timer?.cancel());
  }

  /** Resolves when the start does nothing any more, once it has failed. */
  get over(): Promise<void> {
    return this.#over;
  }

  /** Whether the start does nothing any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  report(): LoadingReport {
    const bytes = this.#bytes;
    const totalBytes = this.#totalBytes;
    const elapsedMs = this.#clock.nowMs() - this.#startedMs;
    return { startedMs: this.#startedMs, elapsedMs, bytes, totalBytes };
  }
}

/** A node whose start is left. */
interface LeftNode {
  readonly keeping: { giveUp(): void };
  readonly seams: { readonly timers: Timers };
  readonly events: { readonly log: Log };
}

/**
 * Leaves a start that has failed and is still at work; content that it still makes is not saved. Resolves
 * when it does nothing any more, or when it has been waited for long enough.
 */
export async function leaveStart({ over }: LoadingProgress, node: LeftNode): Promise<void> {
  const { keeping, seams, events } = node;
  keeping.giveUp();
  let timer: Timer | undefined;
  const isLate = new Promise<void>((resolve) => {
    timer = seams.timers.after(LEAVE_MS, () => {
      events.log.error(
        `the start was ended and waits for a disk that has not answered for ${LEAVE_MS / 1_000} s: it is left as ` +
          'it is, and the data directory stays locked until the disk answers or the process ends',
      );
      resolve();
    });
  });
  await Promise.race([over, isLate]).finally(() => timer?.cancel());
}

/**
 * Gives a directory back: at once, or, where the start is still at work, behind that. Otherwise it might
 * change the directory when another server has it.
 */
export async function closeBehind(
  loading: LoadingProgress | undefined,
  keeping: { close(isPrimary: boolean): Promise<void> },
  isPrimary: boolean,
): Promise<void> {
  if (loading === undefined || loading.isOver) await keeping.close(isPrimary);
  else void loading.over.then(() => keeping.close(false)).catch(() => {});
}

/** WAIT's answer where nothing was written yet. */
const NOTHING_TO_WAIT_FOR = new Later((done) => {
  done(0);
  return () => {};
});

/** The role of a node before it leads. */
export class Opening {
  readonly #node: NodeParts;
  readonly history = undefined;

  constructor(node: NodeParts) {
    this.#node = node;
  }

  report(): NodeReport {
    const { listener, config, seams, failover } = this.#node;
    return {
      role: 'primary',
      history: undefined,
      offsetRecords: 0n,
      serving: servingReport({
        stream: undefined,
        listener,
        backlogBytes: config.backlogBytes,
        nowMs: seams.clock.nowMs(),
      }),
      lacksData: false,
      link: undefined,
      goodReplicas: undefined,
      failover,
    };
  }

  wait(): Later {
    return NOTHING_TO_WAIT_FOR;
  }

  waitForDisks(): Later {
    return NOTHING_TO_WAIT_FOR;
  }

  leave(): Holding | undefined {
    return undefined;
  }
}
