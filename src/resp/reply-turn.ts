/**
 * The replies of one turn of the event loop: they leave together at its end, behind the frames of the turn's
 * writes (docs/architecture.md, "Flushing"), so that no client knows of a write that no replica is being
 * sent.
 */
import type { Timers } from '../clock.js';

/** A client with replies that wait for the end of the turn. */
export interface Replying {
  /** Sends what has gathered. */
  sendReplies(): void;
}

/** What the server does at the end of a turn. */
export interface TurnHost {
  /** Has clients sent what concerns keys that have changed in the turn. */
  broadcast(): void;
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
    this.plan();
  }

  /** Has the turn end, also when nobody has replies. */
  plan(): void {
    if (this.#isEndPlanned) return;
    this.#isEndPlanned = true;
    this.#timers.endOfTurn(this.#endOfTurn);
  }

  /** Sends all replies now, behind the frames of what was written until now; none while the turn is held. */
  end(): void {
    if (this.#host.isHeld()) return;
    this.#host.broadcast();
    if (this.#replying.size === 0) return;
    this.#host.publish();
    const replying = this.#replying;
    this.#replying = new Set();
    for (const client of replying) client.sendReplies();
  }
}
