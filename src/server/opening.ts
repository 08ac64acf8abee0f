/**
 * A node that is to lead, as long as it loads what it starts with: its ports are open, and whoever comes is
 * answered that it is loading.
 */
import type { Clock } from '../clock.js';
import { FastcacheError } from '../errors.js';
import type { Holding } from '../replication/replica/holding.js';
import { Later } from '../resp/later.js';
import { type LoadingReport, type NodeReport, servingReport } from '../status/report.js';
import type { NodeParts } from './parts.js';

/** How far the loading of a start is, in either role. */
export class LoadingProgress {
  readonly #clock: Clock;
  readonly #startedMs: number;
  #bytes = 0;
  #totalBytes = 0;
  #isAbandoned = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.nowMs();
  }

  /** Notes the bytes of all files that were read so far. Throws CLOSED once the loading is abandoned. */
  read(bytes: number, totalBytes: number): void {
    this.#bytes = bytes;
    this.#totalBytes = totalBytes;
    if (this.#isAbandoned) throw new FastcacheError('CLOSED', 'A client has sent SHUTDOWN during the start.');
  }

  /** Ends the loading at its next step. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  report(): LoadingReport {
    const bytes = this.#bytes;
    const totalBytes = this.#totalBytes;
    const elapsedMs = this.#clock.nowMs() - this.#startedMs;
    return { startedMs: this.#startedMs, elapsedMs, bytes, totalBytes };
  }
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
