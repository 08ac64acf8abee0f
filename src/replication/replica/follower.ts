/**
 * A replica that stays with its primary (fcrp-v1.md, "Conversation" 6; design.md, "Histories"): one session after the other,
 * with growing pauses; what it holds stays readable throughout and is only ever replaced as a whole.
 */
import type { Seams, Timer } from '../../clock.js';
import { type ErrorCode, FastcacheError } from '../../errors.js';
import { formatAddress } from '../../transport/address.js';
import type { History } from '../history.js';
import type { PrimaryAnswer } from '../link/conversation.js';
import type { Log } from '../log.js';
import { whyAnew } from './anew.js';
import { Backoff } from './backoff.js';
import { GapPolicy } from './gap-policy.js';
import type { Holding } from './holding.js';
import { LinkLag } from './link-lag.js';
import { ReplicaSession, type ReplicaSessionOptions, type SessionEnd } from './session.js';

/** Where a follower stands; each change makes a new object. */
export type FollowerState =
  | { readonly name: 'disconnected'; readonly retryInMs: number }
  | { readonly name: 'connecting' }
  /** Connected; what the primary sends is not known yet. */
  | { readonly name: 'handshake' }
  /** New content is being built; `entries` have come. */
  | { readonly name: 'snapshot'; readonly entries: number }
  | { readonly name: 'live' }
  | { readonly name: 'stopped'; readonly error: Error | undefined };

/** Told as things happen; none may throw. */
export interface FollowerHandlers {
  connecting?(event: { attempt: number }): void;
  /** What is held cannot be continued, for this reason, and all comes anew. */
  resync?(event: { reason: string }): void;
  /** At a snapshot's begin and after each chunk. */
  snapshot?(event: { entries: number }): void;
  /** Read from `holding.store` from now on; the store held before is no longer the follower's. */
  swapped?(event: { holding: Holding }): void;
  /**
   * What is held follows the primary. `primaryIsOurs`: it deletes what expires; a Rust primary does not, so that the
   * owner of the store must sweep.
   */
  live?(event: { primaryIsOurs: boolean; watermarks: bigint[] }): void;
  /** What is held goes on in another history, that of a primary that was promoted. */
  adopted?(event: { holding: Holding }): void;
  /** Once a connection: all that the primary had when it answered is applied. */
  caughtUp?(event: { watermarks: readonly bigint[] }): void;
  lost?(event: { error: Error; retryInMs: number }): void;
  /** The primary refused the token. Then `lost`, or with `failFast` `stopped`. */
  refused?(event: { error: Error }): void;
  /** For good; `error` unless `stop` was called without one. */
  stopped?(event: { error: Error | undefined }): void;
}

export interface FollowerOptions extends Omit<ReplicaSessionOptions, keyof Seams>, Seams {
  log: Log;
  handlers: FollowerHandlers;
  /** Ceiling of the first pause; later ones double up to `MAX_RECONNECT_BACKOFF_MS`. */
  reconnectBackoffMs: number;
  /** What is held from an earlier following, to be continued if the primary can. */
  holding?: Holding | undefined;
  /** Stop when the token is refused, rather than try again. */
  failFast: boolean;
}

const EMPTY_TOLD_EVERY_MS = 1_000;

/** The link's fault, not that of what came over it. */
const linkFaults: ReadonlySet<ErrorCode> = new Set(['CONNECTION_LOST', 'PEER_SILENT'] as const);

export class Follower {
  readonly #options: FollowerOptions;
  readonly #backoff: Backoff;
  readonly #gaps = new GapPolicy();
  readonly #lag: LinkLag;
  #state: FollowerState = { name: 'disconnected', retryInMs: 0 };
  #holding: Holding | undefined;
  #primaryIsOurs = false;
  /** While content without a key is refused: tells so every second. */
  #emptyTold: Timer | undefined;
  #heardAtUs: number;
  /** Of the current connection, and where on it the content that is being built begins. */
  #heardBytes = 0;
  #syncOffset = 0;
  #lostAtUs: number;
  /** It was live, and is not again yet. */
  #isToComeBack = false;
  /** What is held cannot be continued: stays set until it is replaced. */
  #claimNothing = false;
  #session: ReplicaSession | undefined;
  /** Of the current connection. */
  #wasCaughtUp = false;
  #retry: Timer | undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.reconnectBackoffMs, options.random);
    this.#lag = new LinkLag(options.clock);
    this.#holding = options.holding;
    this.#primaryIsOurs = isOurs(options.holding?.history);
    this.#heardAtUs = this.#lostAtUs = options.clock.monotonicUs();
  }

  get state(): FollowerState {
    return this.#state;
  }

  /** Undefined until the first content is whole. */
  get holding(): Holding | undefined {
    return this.#holding;
  }

  /** Whether the primary that was last followed, or the one above it if that is a relay, is one of ours. */
  get primaryIsOurs(): boolean {
    return this.#primaryIsOurs;
  }

  /** The primary has not a single key, which is not taken in place of the keys that are held. */
  get refusesEmpty(): boolean {
    return this.#emptyTold !== undefined;
  }

  /** When the primary was last heard, and when the link was last lost or begun, monotonic microseconds. */
  get heardAtUs(): number {
    return this.#heardAtUs;
  }

  get lostAtUs(): number {
    return this.#lostAtUs;
  }

  /** While new content is being built: how many bytes of it have come, live batches between them included. */
  get syncReadBytes(): number | undefined {
    return this.#state.name === 'snapshot' ? this.#heardBytes - this.#syncOffset : undefined;
  }

  /** How far what is held is behind the primary (link-lag.ts); undefined unless it is live, and while that is not known. */
  get lagMs(): number | undefined {
    return this.#state.name === 'live' ? this.#lag.ms(this.#holding?.store.watermarks() ?? []) : undefined;
  }

  start(): void {
    this.#connect();
  }

  /** Leaves the primary for good, of itself or for its owner's `error`; what is held stays. */
  stop(error?: Error): void {
    this.#stop(error);
  }

  #connect(): void {
    this.#retry = undefined;
    const { handlers } = this.#options;
    this.#wasCaughtUp = false;
    this.#heardBytes = 0;
    this.#lag.restarted();
    this.#state = { name: 'connecting' };
    handlers.connecting?.({ attempt: this.#backoff.attempts + 1 });
    if (this.#isStopped()) return;
    const start = { held: this.#holding, claimNothing: this.#claimNothing };
    this.#session = new ReplicaSession(this.#options, start, {
      connected: () => {
        this.#state = { name: 'handshake' };
      },
      heard: (bytes) => {
        this.#heardAtUs = this.#options.clock.monotonicUs();
        this.#heardBytes += bytes;
      },
      primaryAt: (watermarks) => this.#lag.heard(watermarks),
      applied: (newestMs) => this.#lag.applied(newestMs),
      began: (primary) => {
        this.#syncOffset = primary.endOffset;
        if (this.#holding !== undefined) handlers.resync?.({ reason: whyAnew(this.#holding, primary) });
      },
      building: (entries) => {
        this.#state = { name: 'snapshot', entries };
        handlers.snapshot?.({ entries });
      },
      swapped: (holding) => this.#swap(holding),
      adopted: (holding) => this.#adopt(holding),
      startsOver: (reason) => this.#tellStart(reason),
      live: (primary) => this.#goLive(primary),
      caughtUp: (watermarks) => {
        this.#wasCaughtUp = true;
        handlers.caughtUp?.({ watermarks });
      },
      ended: (end) => this.#onEnd(end),
    });
    this.#session.start();
  }

  #swap(holding: Holding): void {
    this.#holding = holding;
    this.#claimNothing = false;
    this.#takeBackRefusal();
    this.#options.relay?.swapped(holding);
    this.#gaps.rebuilt(holding.store.watermarks());
    this.#options.handlers.swapped?.({ holding });
  }

  #adopt(holding: Holding): void {
    const { address, log, handlers } = this.#options;
    const isOther = holding.history?.id !== this.#holding?.history?.id;
    this.#holding = holding;
    if (!isOther) return;
    log.info(
      `what is held goes on in history ${holding.history?.id} of ${formatAddress(address)}, which continues it`,
    );
    handlers.adopted?.({ holding });
  }

  #tellStart(reason: string): void {
    const { address, log } = this.#options;
    log.info(`starts over with what ${formatAddress(address)} has: ${reason}`);
  }

  #goLive({ watermarks }: PrimaryAnswer): void {
    this.#primaryIsOurs = isOurs(this.#holding?.history);
    this.#takeBackRefusal();
    this.#state = { name: 'live' };
    this.#tellReturn();
    this.#options.handlers.live?.({ primaryIsOurs: this.#primaryIsOurs, watermarks });
  }

  #tellReturn(): void {
    if (!this.#isToComeBack) return;
    this.#isToComeBack = false;
    const { address, clock, log } = this.#options;
    const awayMs = Math.round((clock.monotonicUs() - this.#lostAtUs) / 1000);
    log.info(`follows ${formatAddress(address)} again after ${awayMs} ms`);
  }

  #onEnd({ error, claimNothing, gap }: SessionEnd): void {
    this.#session = undefined;
    const { log, handlers, failFast } = this.#options;
    const remedy = gap === undefined ? undefined : this.#gaps.judge(gap);
    if (remedy === 'stop') {
      log.error(`stopped: the primary leaves a gap even behind a snapshot: ${error.message}`);
      this.#stop(error);
      return;
    }
    if (claimNothing || remedy === 'claim-nothing') this.#claimNothing = true;
    this.#tellRefusal(error);
    if (error instanceof FastcacheError && error.code === 'TOKEN_REFUSED') {
      handlers.refused?.({ error });
      if (failFast) {
        this.#stop(error);
        return;
      }
    }
    if (this.#isStopped()) return;
    // A primary that sends what cannot be applied will do so again: only a good connection that was cut starts anew.
    const wasCut = error instanceof FastcacheError && linkFaults.has(error.code);
    if (this.#wasCaughtUp && wasCut) this.#backoff.succeeded();
    this.#retryLater(error);
  }

  /** What does not mend itself is told as long as it lasts. */
  #tellRefusal(error: Error): void {
    const code = error instanceof FastcacheError ? error.code : undefined;
    if (code === 'REPLICATION_CYCLE') this.#options.log.error(error.message);
    if (code === 'EMPTY_SNAPSHOT' && this.#emptyTold === undefined) this.#tellOfEmpty(error.message);
  }

  #tellOfEmpty(message: string): void {
    const { timers, log } = this.#options;
    log.error(message);
    this.#emptyTold = timers.after(EMPTY_TOLD_EVERY_MS, () => this.#tellOfEmpty(message));
  }

  #takeBackRefusal(): void {
    this.#emptyTold?.cancel();
    this.#emptyTold = undefined;
  }

  #isStopped(): boolean {
    return this.#state.name === 'stopped';
  }

  #retryLater(error: Error): void {
    const { clock, timers, handlers } = this.#options;
    if (this.#state.name === 'live') {
      this.#lostAtUs = clock.monotonicUs();
      this.#isToComeBack = true;
    }
    const retryInMs = this.#backoff.nextDelayMs();
    this.#state = { name: 'disconnected', retryInMs };
    this.#retry = timers.after(retryInMs, () => this.#connect());
    handlers.lost?.({ error, retryInMs });
  }

  #stop(error: Error | undefined): void {
    if (this.#isStopped()) return;
    this.#state = { name: 'stopped', error };
    this.#retry?.cancel();
    this.#takeBackRefusal();
    this.#session?.close();
    this.#session = undefined;
    this.#options.handlers.stopped?.({ error });
  }
}

function isOurs(history: History | undefined): boolean {
  return history !== undefined && history.isRust !== true;
}
