/**
 * A node while it follows a primary: a follower and, where it has a port, the relay from which its own
 * replicas are served.
 */
import { ShardEngine } from '../engine/shard-engine.js';
import type { History } from '../replication/history.js';
import { offsetIn } from '../replication/offset.js';
import type { Relay } from '../replication/relay/relay.js';
import { Divergence } from '../replication/replica/divergence.js';
import type { Downstream } from '../replication/replica/downstream.js';
import { Follower } from '../replication/replica/follower.js';
import type { FollowerHandlers } from '../replication/replica/follower-options.js';
import type { Holding } from '../replication/replica/holding.js';
import { Takeover } from '../replication/replica/takeover.js';
import { Later } from '../resp/later.js';
import { linkReport, type NodeReport, servingReport } from '../status/report.js';
import { formatAddress } from '../transport/address.js';
import type { Address } from '../transport/connection.js';
import { announcementOf } from './announcing.js';
import type { Events, NodeEvents } from './events.js';
import type { NodeParts } from './parts.js';
import { servingPlace } from './serving-place.js';

/** WAIT's answer on a node that follows: no replica acknowledges writes, for it takes none. */
const NOBODY_WAITS = new Later((done) => {
  done(0);
  return () => {};
});

/** The role of a node that follows a primary. */
export class Following {
  readonly primary: Address;
  readonly follower: Follower;
  readonly takeover: Takeover;
  /** The part that acts when the content differs from the primary's. */
  readonly divergence: Divergence;
  readonly #node: NodeParts;
  /** Another role has replaced this one, which must emit nothing more. */
  #hasLeft = false;

  /** Called when another role replaces this one. */
  onLeave: () => void = () => {};

  /**
   * `holding` is continued if the primary can, and kept if its history is foreign, unless an operator has
   * asked for this primary (`request`). `recovery`: it is one of the node's own replicas, which it follows
   * only until it has what that has. `start` connects.
   */
  constructor(
    node: NodeParts,
    primary: Address,
    holding: Holding | undefined,
    reason: 'start' | 'request' | 'recovery',
  ) {
    const { config, seams, settings, events, metrics, outputs, relay } = node;
    const isRecovery = reason === 'recovery';
    this.#node = node;
    this.primary = primary;
    this.takeover = new Takeover({
      timers: seams.timers,
      log: events.log,
      place: () => (outputs.createStore === undefined ? servingPlace(node) : undefined),
      held: () => (this.follower.state.name === 'live' ? this.follower.holding : undefined),
      promote: () => node.promote(),
    });
    this.divergence = new Divergence({
      clock: seams.clock,
      log: events.log,
      metrics,
      primary: formatAddress(primary),
      route: config.route,
      action: config.onDivergence,
      diverged: (fields) => events.emit('diverged', fields),
      stop: (error) => this.follower.stop(error),
      handOn: (frame) => node.listener?.relayDigests(frame),
    });
    this.follower = new Follower({
      clock: seams.clock,
      timers: seams.timers,
      random: seams.random,
      transport: seams.transport,
      metrics,
      log: events.log,
      address: primary,
      holding,
      disk: node.keeping.disk,
      isRequested: reason === 'request',
      foreignHistory: config.foreignHistory,
      connectTimeoutMs: config.connectTimeoutMs,
      reconnectBackoffMs: config.reconnectBackoffMs,
      nodeId: isRecovery ? undefined : node.nodeId,
      name: isRecovery ? undefined : config.name,
      announced: isRecovery ? undefined : () => announcementOf(node),
      // A primary's port of clients takes its password where it has no token, and the servers have one.
      get token() {
        return config.token ?? settings.password;
      },
      failFast: config.failFast,
      recorder: outputs.recorder,
      tap: outputs.taps,
      relay: isRecovery ? relay && pathless(relay) : relay,
      takeover: isRecovery ? undefined : this.takeover,
      allowEmptySnapshot: config.allowEmptySnapshot,
      divergence: config.digests ? this.divergence : undefined,
      messages: (payload, frame) => node.takeMessages(payload, frame),
      isContentless: outputs.createStore !== undefined,
      createStore: (shards) => outputs.createStore?.(shards) ?? node.createEngine(shards),
      handlers: this.#handlers(),
    });
  }

  /** The history of the content; a relay makes up one for the content of a Rust primary. */
  get history(): History | undefined {
    return this.#node.relay?.stream?.history ?? this.follower.holding?.history;
  }

  /** There is no content yet that could be read. */
  get isLoading(): boolean {
    return this.follower.holding === undefined;
  }

  /** The link is down, and content that may be stale must not be read. */
  get isStale(): boolean {
    return !this.#node.config.servesStaleData && this.follower.state.name !== 'live';
  }

  /** Whether expired keys are deleted here: a Rust primary sends no deletion for them. */
  get sweeps(): boolean {
    return this.follower.holding !== undefined && !this.follower.primaryIsOurs;
  }

  report(): NodeReport {
    const { relay, listener, config, seams, settings } = this.#node;
    const { holding } = this.follower;
    return {
      role: 'replica',
      history: this.history,
      offsetRecords: offsetIn(holding?.history, holding?.store.watermarks() ?? []),
      serving:
        relay &&
        servingReport({
          stream: relay.stream,
          listener,
          backlogBytes: config.backlogBytes,
          nowMs: seams.clock.nowMs(),
        }),
      lacksData: false,
      link: linkReport(this.follower, this.primary, seams.clock, {
        replicaPriority: this.divergence.state === undefined ? settings.replicaPriority : 0,
        isReplicaAnnounced: settings.isReplicaAnnounced,
      }),
      goodReplicas: undefined,
      failover: this.#node.failover,
    };
  }

  /** Runs WAIT, whose answer is 0 at once. */
  wait(): Later {
    return NOBODY_WAITS;
  }

  waitForDisks(): Later {
    return NOBODY_WAITS;
  }

  start(): void {
    this.follower.start();
  }

  /** Leaves the primary for good, with an event; `error` is given when an output has failed. */
  stop(error?: Error): void {
    this.follower.stop(error);
  }

  /** Leaves the primary for another role, without an event. Returns the content, if there is any. */
  leave(): Holding | undefined {
    this.#hasLeft = true;
    this.onLeave();
    this.follower.stop();
    return this.follower.holding;
  }

  #handlers(): FollowerHandlers {
    const { events, outputs } = this.#node;
    return {
      connecting: (fields) => events.emit('connecting', fields),
      resync: (fields) => events.emit('resync', fields),
      snapshot: (fields) => {
        outputs.building();
        events.emit('snapshot', fields);
      },
      swapped: ({ holding: { store } }) => {
        this.divergence.replaced();
        if (store instanceof ShardEngine) this.#node.swap(store);
      },
      live: (fields) => {
        outputs.whole();
        outputs.inOrder(() => events.emit('live', fields));
      },
      caughtUp: (fields) => outputs.inOrder(() => events.emit('caught-up', fields)),
      foreignHistory: (fields) => events.emit('foreign-history', fields),
      lost: (fields) => events.emit('lost', fields),
      refused: (fields) => events.emit('refused', fields),
      stopped: (fields) => {
        if (!this.#hasLeft) events.emit('stopped', fields);
      },
    };
  }
}

/** The same, for content of a replica that may follow this very node: it is no circle, for it ends first. */
function pathless(relay: Relay): Downstream {
  return {
    nodeId: '',
    follows() {},
    swapped: (holding) => relay.swapped(holding),
    adopted: (history, watermarks) => relay.adopted(history, watermarks),
    received: (batch) => relay.received(batch),
    crossed: (shard, watermark) => relay.crossed(shard, watermark),
  };
}

/** The node that is stopped, in either role. */
export interface StoppedNode {
  readonly following: Following | undefined;
  readonly events: Events<NodeEvents>;
}

/** Has a node follow no more, or its owner close it: something that it needs has failed. */
export function stopNode({ following, events }: StoppedNode, error: Error): void {
  if (following === undefined) events.emit('stopped', { error });
  else following.stop(error);
}
