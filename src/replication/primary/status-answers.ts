/**
 * The frames that a probe of fastcache's is sent behind the primary's answer (docs/protocol.md, "Status"):
 * the status, or how many departed replicas are forgotten, as often as it asks, within bounds. A probe holds
 * no slot, so that it must neither stay without asking nor make the primary work without end.
 */
import type { Clock, Timer, Timers } from '../../clock.js';
import { FastcacheError } from '../../errors.js';
import { decodeForget, encodeForgotten, FORGET_MAX_BYTES } from '../../frame/forget.js';
import { encodeFrame, openPayload } from '../../frame/frame.js';
import { FrameKind, frameKindName } from '../../frame/kinds.js';
import type { SplitFrame } from '../../frame/splitter.js';
import { BRIEF_QUESTION } from '../../frame/status.js';
import { STATUS_MAX_BYTES } from '../../limits.js';
import type { Connection } from '../../transport/connection.js';

/** A probe that asks for nothing for so long is dropped. */
const IDLE_MS = 60_000;
/** The pause between two answers on a connection. */
const PAUSE_MS = 100;
/** No question waits longer: a probe takes a server that is silent for 5 s for dead. */
const MOST_PAUSE_MS = 3_000;
/** The part of the time that answers may take, which bounds long ones, of a thousand shards perhaps. */
const WORK_PART = 0.05;

/** The options of the answers to one probe. */
export interface StatusAnswersOptions {
  clock: Clock;
  timers: Timers;
  connection: Connection;
  /**
   * Returns the payload of the answer, `STATUS_MAX_BYTES` at most, without what a brief one leaves out;
   * undefined: there is none any more.
   */
  status(isBrief: boolean): Uint8Array | undefined;
  /** Lists departed replicas no longer, as `DepartedReplicas.forget` does; returns how many. */
  forget(which: string): number;
  /**
   * Called when the connection is to be closed: nothing was asked, the answers are not read, or there are
   * none.
   */
  onIdle(): void;
}

/** A question of a probe: for the status, a brief one perhaps, or to forget departed replicas. */
type Asked = { readonly isBrief: boolean } | { readonly forget: string };

/** Answers the Status frames of one probe, from when it is made until `stop`. */
export class StatusAnswers {
  readonly #options: StatusAnswersOptions;
  #idle: Timer;
  /** The timer of a question that waits; undefined while none does. */
  #waiting: Timer | undefined;
  /** The time from which on the next answer may be sent, monotonic microseconds. */
  #nextAtUs = Number.NEGATIVE_INFINITY;

  constructor(options: StatusAnswersOptions) {
    this.#options = options;
    this.#idle = this.#armIdle();
  }

  /**
   * Throws `FRAME_OUT_OF_PLACE` for all but a question, and for one while another waits, and
   * `FCRP_STATUS_MALFORMED`.
   */
  hear({ header, offset, wirePayload }: SplitFrame): void {
    const isQuestion = header.kind === FrameKind.Status && header.uncompressedBytes <= FORGET_MAX_BYTES;
    if (!isQuestion || this.#waiting !== undefined) {
      const found = frameKindName(header.kind);
      throw new FastcacheError(
        'FRAME_OUT_OF_PLACE',
        `A probe sent a frame of kind ${found} with ${header.payloadBytes} bytes ` +
          'where a question may stand, one at a time.',
        { expected: 'a Status that asks', found, offset },
      );
    }
    const { clock, timers } = this.#options;
    const asked = readQuestion(openPayload(header, wirePayload));
    this.stir();
    const pauseMs = (this.#nextAtUs - clock.monotonicUs()) / 1000;
    if (pauseMs <= 0) this.#answer(asked);
    else this.#waiting = timers.after(Math.ceil(pauseMs), () => this.#answer(asked));
  }

  /** Takes it that the probe is not idle. */
  stir(): void {
    this.#idle.cancel();
    this.#idle = this.#armIdle();
  }

  /** Answers nothing more and leaves no timer behind. */
  stop(): void {
    this.#idle.cancel();
    this.#waiting?.cancel();
  }

  /** Answers with the status, or by forgetting those that are asked for. */
  #answer(asked: Asked): void {
    const { clock, connection, status, forget, onIdle } = this.#options;
    this.#waiting = undefined;
    const startedUs = clock.monotonicUs();
    const make = () => ('forget' in asked ? encodeForgotten(forget(asked.forget)) : status(asked.isBrief));
    const payload = connection.bufferedBytes > STATUS_MAX_BYTES ? undefined : make();
    if (payload === undefined) {
      onIdle();
      return;
    }
    connection.write(encodeFrame(FrameKind.Status, payload));
    const workUs = clock.monotonicUs() - startedUs;
    const pauseUs = Math.min(Math.max(PAUSE_MS * 1000, workUs / WORK_PART), MOST_PAUSE_MS * 1000);
    this.#nextAtUs = startedUs + pauseUs;
  }

  #armIdle(): Timer {
    return this.#options.timers.after(IDLE_MS, () => this.#options.onIdle());
  }
}

function readQuestion(payload: Uint8Array): Asked {
  if (payload.length === 0) return { isBrief: false };
  return Buffer.compare(payload, BRIEF_QUESTION) === 0
    ? { isBrief: true }
    : { forget: decodeForget(payload) };
}
