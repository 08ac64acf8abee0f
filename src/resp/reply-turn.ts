/**
 * The replies of one turn of the event loop: they leave together at its end, behind the frames of the turn's
 * writes (docs/architecture.md, "Flushing"), so that no client knows of a write that no replica is being
 * sent.
 */
import type { Timers } from '../clock.js';

/** A client with replies that wait for the end of the turn. */
export interface Replying {
  /** Sends what has gathered, joined by `joiner`. */
  sendReplies(joiner: Joiner): void;
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

/** What the server does at the end of a turn. */
export interface TurnHost {
  /** Hands the frames of the turn's writes to the replicas' connections. */
  publish(): void;
  /** A script is suspended and its writes are to leave together: the turn goes on. */
  isHeld(): boolean;
}

/** What is answered in this turn. */
export class ReplyTurn {
  readonly #timers: Timers;
  readonly #host: TurnHost;
  #replying = new Set<Replying>();
  #isEndPlanned = false;
  readonly #endOfTurn = () => {
    this.#isEndPlanned = false;
    this.end();
  };

  constructor(timers: Timers, host: TurnHost) {
    this.#timers = timers;
    this.#host = host;
  }

  /** Has the replies of `client` sent at the end of the turn. */
  add(client: Replying): void {
    this.#replying.add(client);
    if (this.#isEndPlanned) return;
    this.#isEndPlanned = true;
    this.#timers.endOfTurn(this.#endOfTurn);
  }

  /** Sends all replies now, behind the frames of what was written until now; none while the turn is held. */
  end(): void {
    if (this.#replying.size === 0 || this.#host.isHeld()) return;
    this.#host.publish();
    const replying = this.#replying;
    this.#replying = new Set();
    const joiner = new Joiner();
    for (const client of replying) client.sendReplies(joiner);
  }
}

function isSame(parts: readonly Buffer[], others: readonly Buffer[]): boolean {
  if (parts.length !== others.length) return false;
  // What two clients are sent differs in the last part, if at all, or else in one that is found soon.
  for (let index = parts.length - 1; index >= 0; index -= 1) {
    if (parts[index] !== others[index]) return false;
  }
  return true;
}
