/**
 * Wrong passwords and tokens, counted by the address that they came from (docs/redis.md, "Passwords"). Once
 * an address has guessed wrong ten times in a minute, each of its attempts waits for a turn before it is
 * compared, one a second: a peer that hangs up or opens many connections learns nothing sooner.
 */
import type { Clock } from '../../clock.js';

const FREE_FAILURES = 10;
const WINDOW_MS = 60_000;
/** The time between two turns of an address. */
const TURN_MS = 1_000;
/** The longest wait for a turn; a replica and most clients wait for an answer for longer. */
const WAIT_MAX_MS = 3_000;
/** Addresses that are remembered; the one that failed longest ago is forgotten first. */
const ADDRESSES_MAX = 4_096;

interface Guesser {
  /** Monotonic milliseconds of the failures within the last minute, oldest first. */
  failures: number[];
  /** Monotonic milliseconds from which on there is a free turn. */
  nextTurnMs: number;
}

/** Counts wrong secrets by address, and says how long the next attempt of an address must wait. */
export class Guesses {
  readonly #clock: Clock;
  readonly #guessers = new Map<string, Guesser>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Returns the milliseconds that an attempt of a peer at `host:port` must wait before it is compared, and
   * takes the turn; undefined when too many wait already, and this one is refused.
   */
  waitMs(address: string): number | undefined {
    const guesser = this.#guessers.get(networkOf(address));
    const nowMs = this.#clock.monotonicUs() / 1000;
    if (guesser === undefined || recent(guesser, nowMs).length < FREE_FAILURES) return 0;
    const turnMs = Math.max(nowMs + TURN_MS, guesser.nextTurnMs);
    if (turnMs - nowMs > WAIT_MAX_MS) return undefined;
    guesser.nextTurnMs = turnMs + TURN_MS;
    return Math.ceil(turnMs - nowMs);
  }

  /** Notes a wrong secret of a peer at `host:port`. */
  failed(address: string): void {
    const network = networkOf(address);
    const nowMs = this.#clock.monotonicUs() / 1000;
    const guesser = this.#guessers.get(network) ?? { failures: [], nextTurnMs: 0 };
    // Failures beyond the limit need not be distinguished.
    guesser.failures = [...recent(guesser, nowMs).slice(-FREE_FAILURES), nowMs];
    this.#guessers.delete(network);
    this.#guessers.set(network, guesser);
    if (this.#guessers.size > ADDRESSES_MAX) {
      const [oldest] = this.#guessers.keys();
      this.#guessers.delete(oldest!);
    }
  }
}

function recent({ failures }: Guesser, nowMs: number): number[] {
  return failures.filter((timeMs) => timeMs > nowMs - WINDOW_MS);
}

/** The host of `host:port`; of an IPv6 address its first 64 bits, for one machine has all the others. */
function networkOf(address: string): string {
  const host = address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  if (!host.includes(':') || host.includes('.')) return host;
  const [head = '', tail = ''] = host.split('::', 2);
  const groups = head.split(':').filter((group) => group !== '');
  const behind = tail.split(':').filter((group) => group !== '');
  const zeros = new Array<string>(Math.max(0, 8 - groups.length - behind.length)).fill('0');
  return [...groups, ...zeros, ...behind].slice(0, 4).join(':');
}
