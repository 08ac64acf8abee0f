/**
 * Sends Ack frames between fastcache peers (docs/protocol.md, "Acks"): those of a replica have its watermarks
 * and are sent after applying, at most every 100 ms and at least every second, and at once behind one of its
 * primary's; those of a primary have its own, and are sent each second and whenever somebody waits.
 */
import type { Clock, Timer, Timers } from '../../clock.js';
import { encodeFrame } from '../../frame/frame.js';
import { FrameKind } from '../../frame/kinds.js';
import { encodeAck, encodeWatermarks } from '../../frame/watermarks.js';

const PAUSE_MIN_MS = 100;
const PAUSE_MAX_MS = 1_000;

/** The pair of a primary's margin that says that it takes Acks with what is synced. */
export const TAKES_SYNCED = ['synced', 'yes'] as const;

/**
 * Makes an Ack of these watermarks, one for each shard; of an empty list: nothing is held. `synced` are those
 * of the records that are surely on the disk.
 */
export function ackFrame(applied: ArrayLike<bigint>, synced?: ArrayLike<bigint>): Buffer {
  return encodeFrame(FrameKind.Ack, encodeAck({ applied, synced }));
}

/** Makes the last Ack of a replica that goes on purpose. */
export function leaveFrame(watermarks: ArrayLike<bigint>): Buffer {
  return encodeFrame(FrameKind.Leave, encodeWatermarks(watermarks));
}

/** The options of an `AckSender`. */
export interface AckSenderOptions {
  clock: Clock;
  timers: Timers;
  /**
   * Returns the watermarks that a replica has applied, or that a primary has published; an empty list while
   * there is no content.
   */
  watermarks(): ArrayLike<bigint>;
  /** Returns what of it is surely on the disk; absent, or undefined: nothing is known to be. */
  synced?: (() => ArrayLike<bigint> | undefined) | undefined;
  send(frame: Buffer): void;
}

/** Sends acknowledgements after `start` and until `stop`. */
export class AckSender {
  readonly #options: AckSenderOptions;
  #sentAtUs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  /** Whether records have been applied that are not acknowledged yet; the timer is then set for them. */
  #isDue = false;
  #isAnswerPlanned = false;
  #isStopped = false;

  constructor(options: AckSenderOptions) {
    this.#options = options;
  }

  /** Sends an Ack each second from now on. */
  start(): void {
    this.#armNext();
  }

  /** Acknowledges what has been applied, or synced: at once, or 100 ms after the last Ack. */
  applied(): void {
    if (this.#isDue || this.#isStopped) return;
    const { clock, timers } = this.#options;
    const pauseMs = (clock.monotonicUs() - this.#sentAtUs) / 1000;
    if (pauseMs >= PAUSE_MIN_MS) {
      this.#send();
      return;
    }
    this.#isDue = true;
    this.#timer?.cancel();
    this.#timer = timers.after(Math.ceil(PAUSE_MIN_MS - pauseMs), () => this.#send());
  }

  /** Acknowledges at the end of this turn, because the peer asks. */
  answer(): void {
    if (this.#isAnswerPlanned) return;
    this.#isAnswerPlanned = true;
    this.#options.timers.endOfTurn(() => {
      this.#isAnswerPlanned = false;
      if (!this.#isStopped) this.#send();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#isStopped = true;
  }

  #send(): void {
    const { clock, watermarks, synced, send } = this.#options;
    this.#isDue = false;
    this.#sentAtUs = clock.monotonicUs();
    this.#armNext();
    send(ackFrame(watermarks(), synced?.()));
  }

  #armNext(): void {
    this.#timer?.cancel();
    this.#timer = this.#options.timers.after(PAUSE_MAX_MS, () => this.#send());
  }
}
