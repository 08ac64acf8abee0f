/**
 * The answers to a probe of fastcache's that compares (docs/protocol.md, "Compare"): one question at a time,
 * in steps for which all probes share a hundredth of the server's time.
 */
import type { Timer, Timers } from '../../clock.js';
import { FastcacheError } from '../../errors.js';
import { type Answer, decodeQuestion, encodeAnswer, type Question } from '../../frame/compare.js';
import { encodeFrame, openPayload } from '../../frame/frame.js';
import { FrameKind } from '../../frame/kinds.js';
import type { SplitFrame } from '../../frame/splitter.js';
import type { Connection } from '../../transport/connection.js';
import type { WorkShare } from './work-share.js';

/** Makes the answers to one asker. */
export interface Comparer {
  /** Returns the steps of an answer, each of which yields the share that is done. Throws `FastcacheError`. */
  answer(question: Question): Generator<number, Answer>;
  /** Frees what is held for the asker. */
  close(): void;
}

/** The options of the answers to one probe. */
export interface CompareAnswersOptions {
  timers: Timers;
  connection: Connection;
  comparer: Comparer;
  work: WorkShare;
  /** Called when the connection is to be closed, because the answers are not read. */
  onUnread(): void;
  /** Called at times while an answer is made, and when it is sent. */
  onWork(): void;
}

/** How often an asker is sent a sign that its answer is still being made. */
const SIGN_MS = 1_000;
/** More bytes that the asker has not read end the connection: it has asked without reading the answer. */
const UNREAD_MAX_BYTES = 1_048_576;

interface Work {
  readonly steps: Generator<number, Answer>;
  share: number;
}

/** Answers the Compare frames of one probe, until `stop`. */
export class CompareAnswers {
  readonly #options: CompareAnswersOptions;
  #current: Work | undefined;
  #sign: Timer | undefined;
  readonly #job = () => this.#step();

  constructor(options: CompareAnswersOptions) {
    this.#options = options;
  }

  /**
   * Takes a question. Throws `FRAME_OUT_OF_PLACE` for one while another is being answered, and `FCRP_*`.
   */
  hear({ header, offset, wirePayload }: SplitFrame): void {
    if (this.#current !== undefined) {
      throw new FastcacheError('FRAME_OUT_OF_PLACE', 'A probe asked while another question was answered.', {
        expected: 'one question at a time',
        found: 'Compare',
        offset,
      });
    }
    const { comparer, work, connection, onUnread } = this.#options;
    const question = decodeQuestion(Buffer.from(openPayload(header, wirePayload)));
    if (connection.bufferedBytes > UNREAD_MAX_BYTES) {
      onUnread();
      return;
    }
    this.#current = { steps: comparer.answer(question), share: 0 };
    this.#armSign();
    work.add(this.#job);
  }

  /** Answers nothing more and frees what it holds. */
  stop(): void {
    this.#options.work.remove(this.#job);
    this.#sign?.cancel();
    this.#current?.steps.return(undefined as never);
    this.#current = undefined;
    this.#options.comparer.close();
  }

  #step(): boolean {
    const current = this.#current;
    if (current === undefined) return false;
    let answer: Answer;
    try {
      const { done, value } = current.steps.next();
      if (done !== true) {
        current.share = value;
        return true;
      }
      answer = value;
    } catch (error) {
      if (!(error instanceof FastcacheError)) throw error;
      answer = { answers: 'refused', reason: error.message };
    }
    this.#current = undefined;
    this.#sign?.cancel();
    this.#send(answer);
    return false;
  }

  #send(answer: Answer): void {
    this.#options.onWork();
    this.#options.connection.write(encodeFrame(FrameKind.Compared, encodeAnswer(answer)));
  }

  #armSign(): void {
    this.#sign = this.#options.timers.after(SIGN_MS, () => {
      if (this.#current === undefined) return;
      this.#send({ answers: 'working', share: this.#current.share });
      this.#armSign();
    });
  }
}
