/**
 * Remembers the replicas that have no memory for what is served here (docs/architecture.md, "Content that
 * does not fit"), for they are seldom connected, and only an operator can help.
 */
import type { Clock } from '../../clock.js';
import { FULL_BACKOFF_MS } from '../../limits.js';
import type { FullStore } from '../link/full.js';
import type { Log } from '../log.js';

/** A replica is listed for so long after it last said so; it comes back within twice `FULL_BACKOFF_MS`. */
const KEPT_MS = 5 * FULL_BACKOFF_MS;
/** The most replicas that are remembered: strangers with the token may claim anything. */
const KEPT_MAX = 16;

/** A replica that is too small. */
export interface FullReplica extends FullStore {
  /** `host:port` that it last connected from. */
  readonly address: string;
}

/** The replicas of one listener that are too small. */
export class FullReplicas {
  readonly #clock: Clock;
  readonly #log: Log;
  /** By what they are known again, with the time at which they last said so, monotonic microseconds. */
  readonly #said = new Map<string, { replica: FullReplica; saidAtUs: number }>();

  constructor({ clock, log }: { clock: Clock; log: Log }) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Notes what the replica has said that is known by `key`; logs it when that is new. */
  said(key: string, replica: FullReplica): void {
    this.#expire();
    const isKnown = this.#said.has(key);
    if (!isKnown && this.#said.size === KEPT_MAX) return;
    this.#said.set(key, { replica, saidAtUs: this.#clock.monotonicUs() });
    if (isKnown) return;
    const { address, heldBytes, mostBytes } = replica;
    this.#log.warn(
      `replica ${address} cannot hold what is here: ${heldBytes} of the ${mostBytes} bytes that it has at most ` +
        'were taken when it gave up. It tries again every minute or two. Delete keys here, set maxmemory and a ' +
        'maxmemory-policy that evicts (CONFIG SET), or give that replica more memory.',
    );
  }

  /** Notes that the replica known by `key` holds what is served. */
  holds(key: string): void {
    this.#said.delete(key);
  }

  /** Returns the replicas that have said so within the last minutes, and have not held it since. */
  list(): FullReplica[] {
    this.#expire();
    return Array.from(this.#said.values(), ({ replica }) => replica);
  }

  #expire(): void {
    const beforeUs = this.#clock.monotonicUs() - KEPT_MS * 1000;
    for (const [key, { saidAtUs }] of this.#said) if (saidAtUs < beforeUs) this.#said.delete(key);
  }
}
