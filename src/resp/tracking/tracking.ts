/**
 * CLIENT TRACKING (docs/architecture.md, "Tracked keys"): the clients that track keys, and the invalidations
 * that they are sent. Only the kernel knows which client was given which key.
 */
import type { Timers } from '../../clock.js';
import type { ShardEngine } from '../../engine/shard-engine.js';
import type { ChangedKey } from '../../engine/tracked-keys.js';
import { FastcacheError } from '../../errors.js';
import { TRACKERS_MAX } from '../../kernel/layout.js';
import type { ClientState, ClientTracking } from '../client-state.js';
import { Failure } from '../reply.js';
import type { Settings } from '../settings.js';
import { Invalidation } from './invalidation.js';
import { Prefixes } from './prefixes.js';
import { tracksReads } from './tracking-mode.js';

/** The different prefixes of all clients together: every change of a key is compared with each of them. */
const PREFIXES_MAX = 1_000;
/** Bytes of the longest prefix. */
const PREFIX_BYTES_MAX = 4_096;
/** Keys that a step lets go, and places of the kernel's table that it goes through: well within 1 ms. */
const LET_GO_KEYS = 1_000;
const PURGED_PLACES = 20_000;

const TOO_MANY_TRACKERS = new Failure('ERR max number of clients with tracking reached');
const TOO_MANY_PREFIXES = new Failure(
  `ERR all clients together may have ${PREFIXES_MAX} different prefixes, each of ${PREFIX_BYTES_MAX} bytes at most`,
);

/** The options of CLIENT TRACKING ON. */
export interface TrackingOptions {
  readonly redirect: ClientState | undefined;
  readonly isBroadcast: boolean;
  readonly isOptIn: boolean;
  readonly isOptOut: boolean;
  readonly isNoLoop: boolean;
  /** BCAST's prefixes in latin1, none of which overlaps another or one that the client has. */
  readonly prefixes: readonly string[];
}

/** The server around. */
export interface TrackingHost {
  /** The present store; a replica's store changes with each snapshot. */
  engine(): ShardEngine;
  readonly timers: Timers;
  readonly settings: Settings;
  /** Has the end of the turn come, with `broadcast`. */
  planEndOfTurn(): void;
}

/** All clients that track keys. */
export class Tracking {
  readonly #host: TrackingHost;
  readonly #prefixes = new Prefixes();
  readonly #clients = new Map<number, ClientState>();
  #lastTracker = 0;
  readonly #freeTrackers: number[] = [];
  /** Trackers that have left: those that the kernel is about to forget, and those that are next. */
  #leaving: number[] = [];
  #left: number[] = [];
  /** The store whose kernel calls when something has changed; undefined while nobody has tracked. */
  #engine: ShardEngine | undefined;
  #hasChanges = false;
  #isStepping = false;

  constructor(host: TrackingHost) {
    this.#host = host;
    host.settings.onChange((name) => {
      if (name === 'tracking-table-max-keys') this.keepHouse();
    });
  }

  /** How many clients track keys. */
  get clientCount(): number {
    return this.#clients.size;
  }

  /** How many keys are tracked, and how many clients track them, each key's counted. */
  get keyCount(): number {
    return this.#engine?.tracked.keys ?? 0;
  }

  get itemCount(): number {
    return this.#engine?.tracked.items ?? 0;
  }

  /** How many different prefixes there are. */
  get prefixCount(): number {
    return this.#prefixes.count;
  }

  /** Turns tracking on, or changes how a client tracks; returns why it cannot. Throws OUT_OF_MEMORY. */
  enable(client: ClientState, options: TrackingOptions): Failure | undefined {
    const added = options.prefixes.filter((prefix) => !this.#prefixes.has(prefix));
    const isTooLong = added.some(({ length }) => length > PREFIX_BYTES_MAX);
    if (isTooLong || this.#prefixes.count + added.length > PREFIXES_MAX) return TOO_MANY_PREFIXES;
    if (client.tracking === undefined && !this.#hasTracker()) return TOO_MANY_TRACKERS;
    this.#attach();
    const addedBytes = added.map((prefix) => Buffer.from(prefix, 'latin1'));
    if (added.length > 0) this.#engine!.tracked.setPrefixes([...this.#prefixes.all, ...addedBytes]);
    const tracking = client.tracking ?? this.#begin(client);
    const { redirect, isBroadcast, isOptIn, isOptOut, isNoLoop, prefixes } = options;
    Object.assign(tracking, { redirect, isBroadcast, isOptIn, isOptOut, isNoLoop, isRedirectBroken: false });
    for (const prefix of prefixes) {
      tracking.prefixes.add(prefix);
      this.#prefixes.add(prefix, client);
    }
    return undefined;
  }

  /** Turns tracking off for a client, and forgets what it tracks. */
  disable(client: ClientState): void {
    const { tracking } = client;
    if (tracking === undefined) return;
    client.tracking = undefined;
    this.#clients.delete(tracking.tracker);
    this.#left.push(tracking.tracker);
    if (tracking.prefixes.size === 0) return;
    for (const prefix of tracking.prefixes) this.#prefixes.remove(prefix, client);
    try {
      this.#engine!.tracked.setPrefixes(this.#prefixes.all);
    } catch (error) {
      // The kernel goes on with more prefixes than there are, which are sent to nobody.
      if (!(error instanceof FastcacheError) || error.code !== 'OUT_OF_MEMORY') throw error;
    }
  }

  /** Notes that a client that tracks has read keys. */
  noteRead({ tracking }: ClientState, keys: readonly Uint8Array[]): void {
    if (tracking === undefined || !tracksReads(tracking)) return;
    const { tracked } = this.#host.engine();
    for (const key of keys) tracked.track(key, tracking.tracker);
  }

  /**
   * Sends changes of keys to the clients that track them; called behind each command that may have changed
   * keys.
   */
  send(): void {
    if (!this.#hasChanges) return;
    this.#hasChanges = false;
    const { tracked } = this.#host.engine();
    tracked.takeChanged((change, trackers) => this.#invalidate(change, trackers));
    const lost = tracked.takeLost();
    if (lost === 'all') this.#sendAll(({ isBroadcast }) => !isBroadcast);
    else if (lost !== undefined) this.#sendAll(({ tracker }) => tracker === lost);
  }

  /** Sends what was evicted before a client's command runs: to that client before the reply. */
  sendEvicted({ beforeReply, afterReply }: ClientState): void {
    if (!this.#hasChanges) return;
    this.send();
    beforeReply.push(...afterReply.splice(0));
  }

  /** Sends all that has changed; called at the end of a turn. */
  broadcast(): void {
    this.send();
    if (this.#prefixes.count === 0) return;
    const { tracked } = this.#host.engine();
    const changes = tracked.takeBroadcasts();
    if (tracked.takeLostBroadcast()) this.#sendAll(({ isBroadcast }) => isBroadcast);
    else if (changes.length > 0) this.#prefixes.send(changes);
  }

  /** Has all clients forget all keys: FLUSHALL is about to run. */
  flush(): void {
    if (this.#engine === undefined) return;
    this.broadcast();
    this.#engine.tracked.forget();
    this.#sendAll(() => true);
  }

  /** Goes over to the present store when it has replaced the one that was tracked. */
  follow(): void {
    if (this.#engine === undefined || this.#engine === this.#host.engine()) return;
    this.#freeTrackers.push(...this.#leaving.splice(0), ...this.#left.splice(0));
    this.#attach();
    this.#engine.tracked.setPrefixes(this.#prefixes.all);
    this.#sendAll(() => true);
  }

  /** Lets go keys beyond the limit, and forgets trackers that have left, in steps until all is done. */
  keepHouse(): void {
    if (!this.#isStepping) this.#goOn();
  }

  #goOn(): void {
    this.#isStepping = this.#step();
    if (this.#isStepping) this.#host.timers.endOfTurn(() => this.#goOn());
  }

  /** Does a step; returns whether there is more to do. */
  #step(): boolean {
    if (this.#engine === undefined) return false;
    const { tracked } = this.#engine;
    tracked.limit(this.#host.settings.trackingTableMaxKeys);
    const isOver = tracked.letGo(LET_GO_KEYS) === LET_GO_KEYS;
    if (this.#leaving.length === 0) {
      this.#leaving = this.#left;
      this.#left = [];
      for (const tracker of this.#leaving) tracked.leave(tracker);
    }
    const isPurging = this.#leaving.length > 0 && tracked.purge(PURGED_PLACES);
    if (!isPurging) this.#freeTrackers.push(...this.#leaving.splice(0));
    return isOver || isPurging || this.#left.length > 0;
  }

  #hasTracker(): boolean {
    return this.#freeTrackers.length > 0 || this.#lastTracker < TRACKERS_MAX;
  }

  #begin(client: ClientState): ClientTracking {
    const tracking: ClientTracking = {
      tracker: this.#freeTrackers.pop() ?? ++this.#lastTracker,
      redirect: undefined,
      isRedirectBroken: false,
      isBroadcast: false,
      isOptIn: false,
      isOptOut: false,
      isNoLoop: false,
      isCachingGiven: false,
      prefixes: new Set(),
    };
    client.tracking = tracking;
    this.#clients.set(tracking.tracker, client);
    return tracking;
  }

  /** Has the present store call when something has changed that is tracked. */
  #attach(): void {
    const engine = this.#host.engine();
    if (engine === this.#engine) return;
    engine.tracked.prepare();
    this.#engine = engine;
    engine.tracked.limit(this.#host.settings.trackingTableMaxKeys);
    engine.tracked.onChange = () => {
      this.#hasChanges = true;
      this.#host.planEndOfTurn();
    };
  }

  #invalidate({ key, by }: ChangedKey, trackers: readonly number[]): void {
    const invalidation = new Invalidation([key]);
    for (const tracker of trackers) {
      const client = this.#clients.get(tracker);
      const { tracking } = client ?? {};
      // Keys that were tracked before BCAST are not the client's concern any more.
      if (client === undefined || tracking === undefined || tracking.isBroadcast) continue;
      if (!(tracking.isNoLoop && by === tracker)) invalidation.sendFor(client);
    }
  }

  /** Has the clients whose tracking is meant forget all keys. */
  #sendAll(isMeant: (tracking: ClientTracking) => boolean): void {
    const invalidation = new Invalidation(null);
    for (const client of this.#clients.values()) {
      if (isMeant(client.tracking!)) invalidation.sendFor(client);
    }
  }
}
