/** One of the two sides of a comparison, which answers its questions. */
import { setImmediate } from 'node:timers/promises';
import type { Timer, Timers } from '../clock.js';
import { FastcacheError } from '../errors.js';
import { type Answer, decodeAnswer, encodeQuestion, type Question } from '../frame/compare.js';
import { compares } from '../replication/link/compare-pair.js';
import type { Probe } from '../replication/link/probe.js';
import type { StoreAnswers } from './store-answers.js';

/** A side, which answers one question at a time. */
export interface Side {
  /** The address or the file, as a person knows it. */
  readonly name: string;
  /** Whether it is a server, whose content may be behind that of another one. */
  readonly isServer: boolean;
  /** Asks; `onWork` is called now and then with the share of the work that is done, 0 to 1. */
  ask(question: Question, onWork: (share: number) => void): Promise<Answer>;
  close(): void;
}

/** The answer to a question that asks so. */
export type AnswerTo<Asks extends Question['asks']> = Extract<Answer, { answers: Asks }>;

/** The part of a `Probe` that a side needs. */
export type ComparingProbe = Pick<Probe, 'margin' | 'ask' | 'compare' | 'close'>;

/**
 * A server that is asked nothing else is sent a sign so often by the tool that compares; it drops a silent
 * one.
 */
const SIGN_MS = 20_000;

const IGNORE = () => {};

/**
 * Asks a side. Rejects with `COMPARE_REFUSED` when it gives no answer, and as the connection to a server
 * fails.
 */
export async function askSide<Q extends Question>(
  side: Side,
  question: Q,
  onWork: (share: number) => void = IGNORE,
): Promise<AnswerTo<Q['asks']>> {
  const answer = await side.ask(question, onWork);
  if (answer.answers === question.asks) return answer as AnswerTo<Q['asks']>;
  const reason = answer.answers === 'refused' ? answer.reason : `It answers with ${answer.answers}.`;
  throw new FastcacheError('COMPARE_REFUSED', `${side.name} does not compare: ${reason}`);
}

/** Returns the side of a store in this process. */
export function storeSide(name: string, answers: StoreAnswers, close: () => void = IGNORE): Side {
  return {
    name,
    isServer: false,
    async ask(question, onWork) {
      const steps = answers.answer(question);
      for (;;) {
        const { done, value } = steps.next();
        if (done === true) return value;
        onWork(value);
        // The event loop runs between steps, so that a signal can arrive.
        await setImmediate();
      }
    },
    close() {
      answers.close();
      close();
    },
  };
}

/**
 * Returns the side of a server of fastcache's, which is sent signs also while only the other side is asked.
 * Throws `COMPARE_REFUSED` for one that is too old.
 */
export function serverSide(name: string, probe: ComparingProbe, timers: Timers): Side {
  if (!compares(probe.margin)) {
    throw new FastcacheError(
      'COMPARE_REFUSED',
      `${name} is a server of an older fastcache, which is not asked what it holds. Update it, or compare a ` +
        'dump or the data directory of it.',
      { address: name },
    );
  }
  /** The last question; one is asked at a time. */
  let last: Promise<unknown> = Promise.resolve();
  let sign: Timer;
  const armSign = () => {
    sign = timers.after(SIGN_MS, () => {
      // The next question finds out what is wrong with the connection.
      last = last.then(() => probe.ask()).catch(IGNORE);
      armSign();
    });
  };
  armSign();
  return {
    name,
    isServer: true,
    async ask(question, onWork) {
      const asked = last.then(() =>
        probe.compare(encodeQuestion(question), (answer) => {
          const decoded = decodeAnswer(answer);
          if (decoded.answers !== 'working') return false;
          onWork(decoded.share);
          return true;
        }),
      );
      last = asked.catch(IGNORE);
      return decodeAnswer(await asked);
    },
    close() {
      sign.cancel();
      probe.close();
    },
  };
}
