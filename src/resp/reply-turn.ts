/**
 * The replies of one turn of the event loop: they leave together at its end, behind the frames of the turn's
 * writes (docs/architecture.md, "Flushing"), so that no client knows of a write that no replica is being
 * sent. Messages leave then, too; while there are many of them they gather a little longer.
 */
import type { Clock, Timer, Timers } from '../clock.js';
import type { Durability } from './durability.js';

/**
 * Messages gather for so many times as long as it took to send the last ones, so that most of the time is
 * left for clients, but at most for so many microseconds.
 */
const GATHERING_TIMES = 3;
const GATHERING_US_MAX = 5_000;

/** A client with replies that wait for the end of the turn. */
export interface Replying {
  /** Sends what has gathered, joined by `joiner`. */
  sendReplies(joiner: Joiner): void;
  /** Takes what has gathered aside, to be sent before all that gathers later; returns what sends it. */
  holdReplies(joiner: Joiner): () => void;
  /** Closes the connection at once, without what has gathered. */
  destroy(): void;
}

const NOTHING: readonly Buffer[] = [];

/** Joins what gathered for each client. Subscribers of a channel, who are sent the same, share the bytes. */
export class Joiner {
  #parts = NOTHING;
  #joined: Buffer = Buffer.alloc(0);

  /** Returns the bytes of the parts, `length` in all; the list must not change afterwards. */
  join(parts: readonly Buffer[], length: number): Buffer {
    if (parts.length === 1) return parts[0]!;
    if (!isSame(parts, this.#parts)) {
      this.#joined = Buffer.concat(parts, length);
      this.#parts = parts;
    }
    return this.#joined;
  }
}

/** The server's work at the end of a turn. */
export interface TurnHost {
  /** Has clients sent the invalidations of keys that have changed in the turn. */
  broadcast(): void;
  /** Hands the frames of the turn's writes to the replicas' connections. */
  publish(): void;
  /**
   * Until when this turn's replies may leave, monotonic microseconds; Infinity: at any time. Later the
   * process was halted in between, and clients are closed instead, for the turn's writes may be lost.
   */
  answersUntilUs(): number;
  readonly durability: Durability;
  /** A script is suspended and its writes are to leave together: the turn goes on. */
  isHeld(): boolean;
}

/** The replies of one turn. */
export class ReplyTurn {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #host: TurnHost;
  #replying = new Set<Replying>();
  /** Clients that wait for nothing but messages. */
  #listening = new Set<Replying>();
  #isEndPlanned = false;
  /** Before this time messages gather, monotonic microseconds. */
  #messagesDueUs = 0;
  /** Ends the turn when messages are due; undefined while none gather. */
  #due: Timer | undefined;
  #joiner = new Joiner();
  readonly #endOfTurn = () => {
    if (this.#host.durability.joins(this.#endOfTurn)) return;
    this.#isEndPlanned = false;
    this.end();
    this.#joiner = new Joiner();
  };

  constructor(clock: Clock, timers: Timers, host: TurnHost) {
    this.#clock = clock;
    this.#timers = timers;
    this.#host = host;
  }

  /** Has the replies of `client`, and messages among them, sent at the end of the turn. */
  add(client: Replying): void {
    this.#replying.add(client);
    this.plan();
  }

  /** Has messages for `client` sent at the end of the turn, or a little later. */
  addMessages(client: Replying): void {
    this.#listening.add(client);
    if (this.#due === undefined) this.plan();
  }

  /**
   * Sends all replies now, behind the frames of what was written until now, and messages if they are due;
   * none while the turn is held.
   */
  end(): void {
    if (this.#host.isHeld()) return;
    this.#host.broadcast();
    if (this.#replying.size === 0 && this.#listening.size === 0) return;
    this.#host.publish();
    const replying = this.#replying;
    this.#replying = new Set();
    const untilUs = this.#host.answersUntilUs();
    if (this.#host.durability.holdsReplies) {
      this.#hold(replying, untilUs);
      return;
    }
    for (const client of replying) {
      // A halt can come between two clients as well: with TLS it takes a while to answer all of them.
      if (this.#isPast(untilUs)) client.destroy();
      else client.sendReplies(this.#joiner);
    }
    if (this.#listening.size > 0) this.#sendMessages();
  }

  /** Has the turn end, also when nobody has replies. */
  plan(): void {
    if (this.#isEndPlanned) return;
    this.#isEndPlanned = true;
    this.#timers.endOfTurn(this.#endOfTurn);
  }

  #isPast(us: number): boolean {
    return us !== Infinity && this.#clock.monotonicUs() > us;
  }

  /** Has the replies of these clients, and what they are sent besides, wait for the disk. */
  #hold(replying: Set<Replying>, untilUs: number): void {
    for (const client of this.#listening) replying.add(client);
    this.#listening = new Set();
    const held = Array.from(replying, (client) => ({ client, send: client.holdReplies(this.#joiner) }));
    const { durability } = this.#host;
    durability.whenSynced((isSynced) => {
      // No client gets an OK for a write that is lost with the machine, unless all may be lost.
      const isKept = isSynced || durability.onFault === 'continue';
      for (const { client, send } of held) {
        if (isKept && !this.#isPast(untilUs)) send();
        else client.destroy();
      }
    });
  }

  #sendMessages(): void {
    const startedUs = this.#clock.monotonicUs();
    if (startedUs < this.#messagesDueUs) {
      this.#due ??= this.#timers.after(Math.ceil((this.#messagesDueUs - startedUs) / 1_000), () => {
        this.#due = undefined;
        this.end();
      });
      return;
    }
    this.#due?.cancel();
    this.#due = undefined;
    const listening = this.#listening;
    this.#listening = new Set();
    for (const client of listening) client.sendReplies(this.#joiner);
    const sentUs = this.#clock.monotonicUs();
    this.#messagesDueUs = sentUs + Math.min((sentUs - startedUs) * GATHERING_TIMES, GATHERING_US_MAX);
  }
}

function isSame(parts: readonly Buffer[], others: readonly Buffer[]): boolean {
  if (parts.length !== others.length) return false;
  // The messages to two clients differ in the last part, if at all, or else in one that is found soon.
  for (let index = parts.length - 1; index >= 0; index -= 1) {
    if (parts[index] !== others[index]) return false;
  }
  return true;
}
