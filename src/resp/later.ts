import type { Reply } from './reply.js';

/** Answers the command that waits; when the reply `isLast`, the client is closed behind it. */
export type Answer = (reply: Reply, isLast?: boolean) => void;

/**
 * A command that answers later; until then its client waits, and the client's next commands with it. `start`
 * is called at once and returns the function that gives up, for a client that disconnects.
 */
export class Later {
  readonly start: (answer: Answer) => () => void;
  /**
   * Returns the answer that the command gives when its time is up, for CLIENT UNBLOCK; undefined where nobody
   * may end the wait.
   */
  readonly replyInTime: (() => Reply) | undefined;

  constructor(start: (answer: Answer) => () => void, replyInTime?: () => Reply) {
    this.start = start;
    this.replyInTime = replyInTime;
  }

  /** The same, whose reply `see` is given before it is answered. */
  seenBy(see: (reply: Reply) => void): Later {
    const start = (answer: Answer) =>
      this.start((reply, isLast) => {
        see(reply);
        answer(reply, isLast);
      });
    return new Later(start, this.replyInTime);
  }
}

/** Makes an answer of a promise, which does not reject. */
export function laterOf(reply: Promise<Reply>): Later {
  return new Later((answer) => {
    let isGivenUp = false;
    void reply.then((value) => isGivenUp || answer(value));
    return () => {
      isGivenUp = true;
    };
  });
}
