/**
 * A replica that stays with its primary (docs/architecture.md, "Histories"): one session after the other,
 * with growing pauses. Its content stays readable throughout and is only ever replaced as a whole.
 */
import assert from 'node:assert/strict';
import type { Timer } from '../../clock.js';
import type { FollowedStore, ReplicatedStore } from '../../engine/types.js';
import { type ErrorCode, FastcacheError } from '../../errors.js';
import { formatAddress } from '../../transport/address.js';
import type { History } from '../history.js';
import { Backoff } from './backoff.js';
import {
  type Claim,
  type FollowerEffect,
  FollowerMachine,
  type FollowerPhase,
  hasSession,
  isBuilding,
  isLive,
} from './follower-machine.js';
import type { FollowerOptions } from './follower-options.js';
import { GapPolicy } from './gap-policy.js';
import type { Holding } from './holding.js';
import { LinkLag } from './link-lag.js';
import { Refusal, type RefusalKind } from './refusal.js';
import { lateReason, resyncReason } from './resync-reason.js';
import { ReplicaSession } from './session.js';
import { isFull } from './session-faults.js';
import type { SessionEnd } from './session-options.js';

/** The state of a follower, for its users; each change makes a new object. */
export type FollowerState =
  | { readonly name: 'disconnected'; readonly retryInMs: number }
  | { readonly name: 'connecting' }
  /** The link is connected; it is not known yet what the primary will send. */
  | { readonly name: 'handshake' }
  /** New content is being built; `entries` have come. */
  | { readonly name: 'snapshot'; readonly entries: number }
  | { readonly name: 'live' }
  | { readonly name: 'stopped'; readonly error: Error | undefined };

/** The user's name for each phase of the machine. */
const stateNames: Readonly<Record<FollowerPhase, FollowerState['name']>> = {
  idle: 'disconnected',
  waiting: 'connecting',
  connecting: 'connecting',
  greeting: 'handshake',
  resuming: 'handshake',
  awaiting: 'handshake',
  replaying: 'snapshot',
  loading: 'snapshot',
  reloading: 'snapshot',
  behind: 'live',
  level: 'live',
  paused: 'disconnected',
  stopped: 'stopped',
};

/** The faults of the link, not of what came over it: only behind a good connection are pauses short again. */
const linkFaults: ReadonlySet<ErrorCode> = new Set(['CONNECTION_LOST', 'PEER_SILENT'] as const);

/**
 * Follows one address from `start` until `stop`. Its phases, and what leads from one to the other, are in
 * follower-machine.ts; users see them by fewer names:
 *
 *     disconnected ──► connecting ──► handshake ──► snapshot ──► live
 *
 * `handshake` leads to `live` at once when the primary has all that is lacking, and `live` to `snapshot` when
 * the primary sends new content on a connection that was live. The end of a session leads from each of them
 * to `disconnected`, with `lost` and a pause, and `stop` to `stopped`.
 */
export class Follower<S extends FollowedStore = ReplicatedStore> {
  readonly #options: FollowerOptions<S>;
  readonly #machine: FollowerMachine;
  readonly #backoff: Backoff;
  readonly #gaps = new GapPolicy();
  readonly #lag: LinkLag;
  readonly #refusal: Refusal;
  /** Whether its owner has asked for this primary, and nothing of it is live yet. */
  #isRequested: boolean;
  #state: FollowerState = { name: 'disconnected', retryInMs: 0 };
  #holding: Holding<S> | undefined;
  /** Whether the primary that was last followed is fastcache's, not a Rust one. */
  #primaryIsOurs: boolean;
  /** The session, while the machine is in a phase of one; otherwise undefined. */
  #session: ReplicaSession<S> | undefined;
  /** Withdraws what waits for the tap's room; undefined unless the machine is `waiting`. */
  #withdraw: (() => void) | undefined;
  /** The timer of the next try, while the machine is `paused`; otherwise undefined. */
  #retry: Timer | undefined;
  /** The error that ended the last session. */
  #lastError: Error | undefined;
  /** The reason for which the follower was stopped, for good; undefined also when its owner gave none. */
  #stopError: Error | undefined;
  #heardAtUs: number;
  /** Bytes that have come on the current connection. */
  #heardBytes = 0;
  /** The last pause between two tries, or the one that lasts. */
  #retryInMs = 0;
  #lostAtUs: number;
  /**
   * The time at which a link was lost that had been live, monotonic microseconds; undefined once one is live
   * again.
   */
  #awaySinceUs: number | undefined;

  constructor(options: FollowerOptions<S>) {
    this.#options = options;
    this.#machine = new FollowerMachine((effect) => this.#effects[effect](), firstClaim(options));
    this.#backoff = new Backoff(options.reconnectBackoffMs, options.random);
    this.#lag = new LinkLag(options.clock);
    this.#refusal = new Refusal(options.timers, options.log);
    this.#holding = options.holding;
    this.#isRequested = options.isRequested === true;
    this.#primaryIsOurs = isOurs(options.holding?.history);
    this.#heardAtUs = this.#lostAtUs = options.clock.monotonicUs();
  }

  get state(): FollowerState {
    return this.#state;
  }

  /** The held content; undefined until the first content is whole. */
  get holding(): Holding<S> | undefined {
    return this.#holding;
  }

  /** Whether the primary that was last followed, or the one above it if that is a relay, is fastcache's. */
  get primaryIsOurs(): boolean {
    return this.#primaryIsOurs;
  }

  /** Why the held content is kept rather than the primary's taken; undefined while nothing is refused. */
  get refusal(): RefusalKind | undefined {
    return this.#refusal.kind;
  }

  /** The time at which the primary last sent something, or the follower was made, monotonic microseconds. */
  get heardAtUs(): number {
    return this.#heardAtUs;
  }

  /** The time at which a live link was last lost, or the follower made, monotonic microseconds. */
  get lostAtUs(): number {
    return this.#lostAtUs;
  }

  /**
   * Bytes of new content that have come, live batches between them included; undefined while none is being
   * built.
   */
  get syncReadBytes(): number | undefined {
    const offset = this.#session?.contentOffset;
    return offset === undefined ? undefined : this.#heardBytes - offset;
  }

  /**
   * Milliseconds by which what is held is behind the primary (link-lag.ts); undefined unless live, and while
   * not known.
   */
  get lagMs(): number | undefined {
    return isLive(this.#machine.phase) ? this.#lag.ms(this.#holding?.store.watermarks() ?? []) : undefined;
  }

  /** Begins to follow, once; does nothing if `stop` was called before. */
  start(): void {
    this.#machine.raise('start');
  }

  /** Leaves the primary for good, of itself or for its owner's `error`; the held content stays. */
  stop(error?: Error): void {
    if (this.#machine.phase !== 'stopped') this.#stopError = error;
    this.#machine.raise('stop');
  }

  /** Asserts what holds between events, whatever has come. */
  invariants(): void {
    const { phase } = this.#machine;
    assert.equal(this.#session !== undefined, hasSession(phase), `a session while ${phase}`);
    assert.equal(this.#withdraw !== undefined, phase === 'waiting', `waits for room while ${phase}`);
    assert.equal(this.#retry !== undefined, phase === 'paused', `the next try while ${phase}`);
    assert.equal(this.#state.name, stateNames[phase], 'the state is the phase');
    if (isLive(phase))
      assert.equal(this.#holding, this.#session?.continued, 'what is live is whole and held');
    if (isLive(phase)) assert.equal(this.#machine.claim, 'held', 'what is live may be claimed');
    if (phase === 'stopped') assert(this.refusal === undefined, 'a follower that is stopped refuses nothing');
    this.#session?.invariants();
  }

  /** The function of each effect of the machine. */
  readonly #effects: Readonly<Record<FollowerEffect, () => void>> = {
    announceAttempt: () => {
      this.#retry = undefined;
      this.#heardBytes = 0;
      this.#lag.restarted();
      this.#show();
      this.#options.handlers.connecting?.({ attempt: this.#backoff.attempts + 1 });
    },
    waitForRoom: () => this.#waitForRoom(),
    cancelWait: () => {
      this.#withdraw?.();
      this.#withdraw = undefined;
    },
    openSession: () => this.#openSession(),
    showState: () => this.#show(),
    adopt: () => this.#adopt(this.#running.continued),
    announceContent: () => {
      if (this.#holding !== undefined) {
        const isLate = this.#machine.phase === 'reloading';
        const reason = isLate ? lateReason(this.#options) : resyncReason(this.#holding, this.#running.answer);
        this.#options.handlers.resync?.({ reason });
      }
      // The handler may have stopped the follower.
      if (isBuilding(this.#machine.phase)) this.#announceProgress();
    },
    announceProgress: () => this.#announceProgress(),
    swap: () => this.#swap(this.#running.continued),
    announceLive: () => this.#announceLive(),
    announceLevel: () => {
      const watermarks = this.#running.continued.store.watermarks();
      this.#options.handlers.caughtUp?.({ watermarks });
    },
    restartPauses: () => this.#backoff.succeeded(),
    noteLoss: () => {
      this.#lostAtUs = this.#awaySinceUs = this.#options.clock.monotonicUs();
    },
    scheduleRetry: () => this.#scheduleRetry(),
    cancelRetry: () => {
      this.#retry?.cancel();
      this.#retry = undefined;
    },
    closeSession: () => {
      this.#session?.close(this.#stopError === undefined);
      this.#session = undefined;
    },
    endRefusal: () => this.#refusal.end(),
    announceStop: () => {
      this.#show();
      this.#options.handlers.stopped?.({ error: this.#stopError });
    },
  };

  get #running(): ReplicaSession<S> {
    assert(this.#session !== undefined, `no session while ${this.#machine.phase}`);
    return this.#session;
  }

  #show(): void {
    this.#state = this.#describe();
  }

  #describe(): FollowerState {
    const name = stateNames[this.#machine.phase];
    switch (name) {
      case 'disconnected':
        return { name, retryInMs: this.#retryInMs };
      case 'snapshot':
        return { name, entries: this.#session?.progress.entries ?? 0 };
      case 'stopped':
        return { name, error: this.#stopError };
      default:
        return { name };
    }
  }

  #waitForRoom(): void {
    const run = () => {
      this.#withdraw = undefined;
      this.#machine.raise('room');
    };
    const { tap } = this.#options;
    if (tap === undefined) {
      run();
      return;
    }
    const withdraw = tap.whenRoom(run);
    // The tap may have called `run` meanwhile.
    if (this.#machine.phase === 'waiting') this.#withdraw = withdraw;
  }

  #openSession(): void {
    assert(this.#session === undefined, 'there are never two sessions');
    const { full } = this.#refusal;
    const options = { ...this.#options, isRequested: this.#isRequested, full };
    this.#session = new ReplicaSession(options, this.#holding, this.#machine, {
      heard: (bytes) => {
        this.#heardAtUs = this.#options.clock.monotonicUs();
        this.#heardBytes += bytes;
      },
      primaryAt: (watermarks) => this.#lag.heard(watermarks),
      applied: (newestMs) => this.#lag.applied(newestMs),
      startsOver: (reason) => this.#logStart(reason),
      ended: (end) => this.#onEnd(end),
    });
    this.#session.start();
  }

  #announceProgress(): void {
    this.#show();
    this.#options.handlers.snapshot?.(this.#running.progress);
  }

  #swap(holding: Holding<S>): void {
    this.#holding = holding;
    this.#refusal.end();
    this.#options.relay?.swapped(holding);
    this.#gaps.replaced(holding.store.watermarks());
    this.#options.handlers.swapped?.({ holding });
  }

  #adopt(holding: Holding<S>): void {
    const { address, log, handlers } = this.#options;
    const isOther = holding.history?.id !== this.#holding?.history?.id;
    this.#holding = holding;
    if (!isOther) return;
    const place = formatAddress(address);
    log.info(`what is held goes on in history ${holding.history?.id} of ${place}, which continues it`);
    handlers.adopted?.({ holding });
  }

  #logStart(reason: string): void {
    const { address, log } = this.#options;
    log.info(`starts over with what ${formatAddress(address)} has: ${reason}`);
  }

  #announceLive(): void {
    this.#primaryIsOurs = isOurs(this.#holding?.history);
    this.#refusal.end();
    this.#isRequested = false;
    this.#show();
    this.#logReturn();
    const { watermarks } = this.#running.answer;
    this.#options.handlers.live?.({ primaryIsOurs: this.#primaryIsOurs, watermarks });
  }

  #logReturn(): void {
    if (this.#awaySinceUs === undefined) return;
    const { address, clock, log } = this.#options;
    const awayMs = Math.round((clock.monotonicUs() - this.#awaySinceUs) / 1000);
    this.#awaySinceUs = undefined;
    log.info(`follows ${formatAddress(address)} again after ${awayMs} ms`);
  }

  /** Finds out what the end of a session means, and raises the event for it. */
  #onEnd({ error, claimNothing, gap }: SessionEnd): void {
    this.#session = undefined;
    this.#lastError = error;
    const { log, handlers, failFast } = this.#options;
    const code = error instanceof FastcacheError ? error.code : undefined;
    const remedy = gap === undefined ? undefined : this.#gaps.judge(gap);
    if (remedy === 'stop') {
      log.error(`stopped: the primary leaves a gap even behind a snapshot: ${error.message}`);
      this.#fail(error);
      return;
    }
    if (code === 'REPLICATION_CYCLE') log.error(error.message);
    const begun = this.#refusal.begin(error);
    if (begun === 'foreign-history') handlers.foreignHistory?.({ error });
    if (code === 'TOKEN_REFUSED') {
      handlers.refused?.({ error });
      if (failFast) {
        this.#fail(error);
        return;
      }
    }
    if (this.#machine.phase === 'stopped') return;
    if (claimNothing || remedy === 'claim-nothing') this.#machine.raise('disowned');
    else this.#machine.raise(code !== undefined && linkFaults.has(code) ? 'cut' : 'faulted');
  }

  #fail(error: Error): void {
    if (this.#machine.phase === 'stopped') return;
    this.#stopError = error;
    this.#machine.raise('failed');
  }

  #scheduleRetry(): void {
    const { timers, handlers } = this.#options;
    const error = this.#lastError;
    assert(error !== undefined);
    this.#retryInMs = this.#backoff.nextDelayMs(isFull(error));
    this.#show();
    this.#retry = timers.after(this.#retryInMs, () => this.#machine.raise('retryDue'));
    handlers.lost?.({ error, retryInMs: this.#retryInMs });
  }
}

/** Numbers without a history are those of one Rust primary, and mean nothing to another. */
function firstClaim({
  holding,
  address,
}: Pick<FollowerOptions<FollowedStore>, 'holding' | 'address'>): Claim {
  const { history, from = address } = holding ?? {};
  return history !== undefined || formatAddress(from) === formatAddress(address) ? 'held' : 'nothing';
}

function isOurs(history: History | undefined): boolean {
  return history !== undefined && history.isRust !== true;
}
