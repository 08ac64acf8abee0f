/**
 * A replica's part in a failover (docs/protocol.md, "Failover"): it obeys its primary's order to take over,
 * if it holds exactly what the order names, and it may ask for one. Only the primary that it follows can
 * order it, over the very link on which it follows: another peer that reaches its port cannot.
 */
import type { Timer, Timers } from '../../clock.js';
import { decodeFailover, type FailoverMessage, type FailoverOrder } from '../../frame/failover.js';
import type { Announcement } from '../link/announced.js';
import { unaskedFailover } from '../link/failover-fault.js';
import type { Log } from '../log.js';
import type { Holding } from './holding.js';

/** A link to a primary of fastcache's, over which a replica speaks of failovers. */
export interface TakeoverLink {
  send(message: FailoverMessage): void;
  /** Sends the last message on the link, which ends behind it. */
  endWith(message: FailoverMessage): void;
}

/** A replica's part in failovers, as its links see it. */
export interface TakeoverSeat {
  /** Returns where it is followed once it has taken over; undefined: it cannot take over. */
  place(): Announcement | undefined;
  /** A primary of fastcache's has answered. */
  linked(link: TakeoverLink): void;
  /** The link is gone. */
  unlinked(): void;
  /** Takes the payload of a Failover frame. Throws `FCRP_*`, FRAME_OUT_OF_PLACE. */
  heard(payload: Uint8Array): void;
}

/** The options of a `Takeover`. */
export interface TakeoverOptions {
  readonly timers: Timers;
  readonly log: Log;
  place(): Announcement | undefined;
  /** Returns what is held of the primary that is followed; undefined unless it is live there. */
  held(): Holding | undefined;
  /** Makes the node a primary, whose history continues what it holds. */
  promote(): void;
}

/** Milliseconds that a primary has beyond a request's own time. */
const ANSWER_MS = 5_000;

/** A request under way. */
interface Request {
  /** Answers it; undefined: the node has taken over. The answer goes nowhere once the asker has left. */
  done(refusal: string | undefined): void;
  readonly deadline: Timer;
}

/** The seat of one node that follows one primary, link after link. */
export class Takeover implements TakeoverSeat {
  readonly #options: TakeoverOptions;
  #link: TakeoverLink | undefined;
  #request: Request | undefined;
  /** Requests to which the primary has not said anything yet, those included for which nobody waits now. */
  #unanswered = 0;

  constructor(options: TakeoverOptions) {
    this.#options = options;
  }

  place(): Announcement | undefined {
    return this.#options.place();
  }

  linked(link: TakeoverLink): void {
    this.#link = link;
  }

  unlinked(): void {
    this.#link = undefined;
    this.#unanswered = 0;
    this.#answer('the link to the primary was lost');
  }

  heard(payload: Uint8Array): void {
    const message = decodeFailover(payload);
    if (message.says === 'order') this.#obey(message);
    else if (message.says === 'refused' && this.#unanswered > 0) {
      this.#unanswered -= 1;
      this.#answer(message.reason);
    } else throw unaskedFailover(message);
  }

  /**
   * Asks the primary to hand over within `timeoutMs`. Calls `done` once, perhaps at once: with why it is not,
   * or with undefined when this node is the primary. Returns what gives up the wait for it.
   */
  request(timeoutMs: number, done: (refusal: string | undefined) => void): () => void {
    const link = this.#link;
    if (link === undefined || this.#options.place() === undefined) {
      done(link === undefined ? 'there is no link to a fastcache primary' : 'it serves no replicas');
      return () => {};
    }
    if (this.#request !== undefined) {
      done('the primary has been asked already');
      return () => {};
    }
    const deadline = this.#options.timers.after(timeoutMs + ANSWER_MS, () => {
      this.#answer('the primary does not answer');
    });
    const request: Request = { done, deadline };
    this.#request = request;
    this.#unanswered += 1;
    link.send({ says: 'request', timeoutMs });
    // The primary goes on with it, and answers.
    return () => {
      request.done = () => {};
    };
  }

  #obey(order: FailoverOrder): void {
    const { log, promote } = this.#options;
    const link = this.#link!;
    const refusal = this.#refusal(order);
    if (refusal !== undefined) {
      log.warn(`the primary's order to take over is refused: ${refusal}`);
      link.send({ says: 'refused', reason: refusal });
      return;
    }
    log.info(`takes over, as the primary has ordered${order.isForced ? ' by force' : ''}`);
    link.endWith({ says: 'accepted' });
    // The end of the link is no answer to the request.
    const request = this.#request;
    this.#request = undefined;
    promote();
    request?.deadline.cancel();
    request?.done(undefined);
  }

  #refusal({ isForced, history, watermarks }: FailoverOrder): string | undefined {
    const held = this.#options.held();
    if (held === undefined || this.#options.place() === undefined) return 'it does not follow the primary';
    if (held.history?.id !== history) return `it holds history ${held.history?.id}, not ${history}`;
    const own = held.store.watermarks();
    if (isForced || own.join() === Array.from(watermarks).join()) return undefined;
    return 'it does not hold exactly what the primary has';
  }

  #answer(refusal: string): void {
    const request = this.#request;
    this.#request = undefined;
    request?.deadline.cancel();
    request?.done(refusal);
  }
}
