/**
 * A node while it leads: it publishes what is written, in a history of its own, to replicas and to its
 * outputs.
 */
import type { EncodeOptions } from '../frame/frame.js';
import type { History } from '../replication/history.js';
import { offsetIn } from '../replication/offset.js';
import { RecorderFeed } from '../replication/outputs/recorder-feed.js';
import type { Tap } from '../replication/outputs/tap.js';
import { TapFeed } from '../replication/outputs/tap-feed.js';
import { waitForDisks, waitForReplicas } from '../replication/primary/wait.js';
import type { Beginning } from '../replication/relay/promotion.js';
import type { Holding } from '../replication/replica/holding.js';
import { Publisher } from '../replication/stream/publisher.js';
import { type Answer, Later } from '../resp/later.js';
import { Failure, type Reply } from '../resp/reply.js';
import { type NodeReport, servingReport } from '../status/report.js';
import type { NodeConfig } from './config.js';
import type { NodeParts } from './parts.js';
import { OUTPUT_QUEUE_BYTES } from './recording.js';
import { limitMemory } from './settings.js';

/** Redis' answer to a blocked client when the role changes; the client is then closed. */
const UNBLOCKED = new Failure(
  'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)',
);
/** Without a listener no replica can acknowledge. */
const NO_REPLICAS = { replicasThat: () => [], ask() {}, onAck: () => () => {} };

/** A client that WAIT blocks. */
interface Blocked {
  /** Ends the wait without an answer. */
  cancel(): void;
  readonly answer: Answer;
}

/** The role of a node that takes writes. */
export class Leading {
  readonly publisher: Publisher;
  readonly #node: NodeParts;
  /** The places of the outputs in the stream. */
  readonly #outputFeeds: { leave(): void }[] = [];
  readonly #tapFeeds = new Map<Tap, TapFeed>();
  readonly #blocked = new Set<Blocked>();
  /** When writes were last let through in this turn, monotonic microseconds; undefined: not in this turn. */
  #allowedAtUs: number | undefined;

  /** The node's store is at the beginning of the history. */
  constructor(node: NodeParts, { history, backlog }: Beginning) {
    const { config, seams, events, metrics, settings, nodeId, engine, keeping } = node;
    this.#node = node;
    engine.setReplica(false);
    limitMemory(settings, engine);
    this.publisher = new Publisher({
      store: engine,
      history,
      clock: seams.clock,
      timers: seams.timers,
      metrics,
      log: events.log,
      sendPolicy: config.sendPolicy,
      batchMaxDelayUs: config.batchMaxDelayUs,
      nodeId,
      backlogBytes: config.backlogBytes,
      backlog,
      encoding: encodingOf(config),
      putsOff: (endTurn) => keeping.putsOff(endTurn),
    });
  }

  get history(): History {
    return this.publisher.history;
  }

  /** Whether fewer good replicas are connected than writes need. It is read before every run of commands. */
  get lacksReplicas(): boolean {
    if (!this.#needsReplicas()) return false;
    this.#allowedAtUs = this.#node.seams.clock.monotonicUs();
    return this.#goodReplicas() < this.#node.settings.minReplicas;
  }

  /**
   * Returns, at the end of each turn, until when its writes may be acknowledged, monotonic microseconds:
   * those that needed replicas and had them may be another primary's to refuse later. Infinity: at any time.
   */
  answersUntilUs(): number {
    const allowedAtUs = this.#allowedAtUs;
    this.#allowedAtUs = undefined;
    if (allowedAtUs === undefined || !this.#needsReplicas()) return Infinity;
    return allowedAtUs + this.#node.settings.minReplicasMaxLagSeconds * 1_000_000;
  }

  report(): NodeReport {
    const { publisher } = this;
    const { listener, config, seams, failover } = this.#node;
    return {
      role: 'primary',
      history: publisher.history,
      offsetRecords: offsetIn(publisher.history, publisher.watermarks()),
      serving: servingReport({
        stream: publisher,
        listener,
        backlogBytes: config.backlogBytes,
        nowMs: seams.clock.nowMs(),
      }),
      lacksData: this.#node.lacksData,
      link: undefined,
      goodReplicas: this.#needsReplicas() ? this.#goodReplicas() : undefined,
      failover,
    };
  }

  /**
   * Runs WAIT: answers how many replicas have acknowledged, when `replicas` have or after `timeoutMs` (0:
   * never).
   */
  wait(replicas: number, timeoutMs: number): Later {
    return this.#waiting((done) => waitForReplicas(this.#waited(), replicas, timeoutMs, done));
  }

  /**
   * Runs WAITAOF: answers whether all is on the disk here (1 or 0) and on how many replicas' disks, when it
   * is where it is wanted or after `timeoutMs` (0: never).
   */
  waitForDisks(wanted: { isLocal: boolean; replicas: number }, timeoutMs: number): Later {
    const options = { ...this.#waited(), disk: this.#node.keeping };
    return this.#waiting((done) =>
      waitForDisks(options, wanted, timeoutMs, (isHere, replicas) => done([isHere ? 1 : 0, replicas])),
    );
  }

  /**
   * Outputs continue with the records that are written here and, once another primary is followed, with those
   * that come from it. `content`: whether the history begins without content or with that of a promoted
   * replica.
   */
  joinOutputs(content: 'new' | 'promoted'): void {
    const { publisher } = this;
    const { recorder, taps } = this.#node.outputs;
    if (recorder !== undefined) {
      recorder.follow({ history: this.history, watermarks: publisher.watermarks(), content });
      this.#outputFeeds.push(new RecorderFeed(recorder, OUTPUT_QUEUE_BYTES, publisher.backlog));
    }
    for (const tap of taps) this.joinTap(tap);
  }

  /** Gives a tap what is published from now on. */
  joinTap(tap: Tap): void {
    this.#tapFeeds.set(tap, new TapFeed(tap, OUTPUT_QUEUE_BYTES, this.publisher.backlog));
  }

  /** Gives a tap nothing more. */
  leaveTap(tap: Tap): void {
    this.#tapFeeds.get(tap)?.close();
    this.#tapFeeds.delete(tap);
  }

  /** Publishes what waits in batches, and nothing after it. */
  close(): void {
    this.publisher.close();
    this.#leaveOutputs();
    this.#unblock();
  }

  /**
   * Ends the history: disconnects the replicas fed from it for `reason`, and returns the content, which is
   * held from now on.
   */
  leave(reason: string): Holding {
    const { publisher } = this;
    const { relay, engine } = this.#node;
    // Batches that are still open belong to the outputs too; that the stream ends here is not their fault.
    publisher.flush();
    this.#leaveOutputs();
    publisher.close(reason);
    relay?.demoted(publisher);
    engine.setReplica(true);
    this.#unblock();
    return { store: engine, history: publisher.history };
  }

  /** Answers all that wait: nobody acknowledges to this node any more. */
  #unblock(): void {
    for (const { cancel, answer } of [...this.#blocked]) {
      cancel();
      answer(UNBLOCKED, true);
    }
    this.#blocked.clear();
  }

  /** The parts that a wait for replicas needs. */
  #waited() {
    const { timers } = this.#node.seams;
    return { timers, publisher: this.publisher, listener: this.#node.listener ?? NO_REPLICAS };
  }

  /**
   * Makes the answer of a client that is blocked; `start` begins to wait, and returns a function that gives
   * the wait up.
   */
  #waiting(start: (done: (reply: Reply) => void) => () => void): Later {
    return new Later((answer) => {
      const blocked: Blocked = { cancel() {}, answer };
      this.#blocked.add(blocked);
      blocked.cancel = start((reply) => {
        this.#blocked.delete(blocked);
        answer(reply);
      });
      return () => {
        this.#blocked.delete(blocked);
        blocked.cancel();
      };
    });
  }

  #leaveOutputs(): void {
    for (const feed of [...this.#outputFeeds.splice(0), ...this.#tapFeeds.values()]) feed.leave();
    this.#tapFeeds.clear();
  }

  /** Whether writes need replicas; in Redis, too, 0 in either setting turns that off. */
  #needsReplicas(): boolean {
    const { minReplicas, minReplicasMaxLagSeconds } = this.#node.settings;
    return minReplicas > 0 && minReplicasMaxLagSeconds > 0;
  }

  #goodReplicas(): number {
    const { listener, settings } = this.#node;
    return listener?.goodReplicas(settings.minReplicasMaxLagSeconds) ?? 0;
  }
}

/** How a node's frames are encoded, those of its snapshots included, in either role. */
export function encodingOf({ compression, zstdLevel }: NodeConfig): EncodeOptions {
  return { compression, level: zstdLevel };
}
