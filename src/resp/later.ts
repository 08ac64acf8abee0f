import type { Reply } from './reply.js';

/** Answers the command that waits; when the reply `isLast`, the client is closed behind it. */
export type Answer = (reply: Reply, isLast?: boolean) => void;

/**
 * A command that answers later; its client waits meanwhile, and with it the commands behind. `start` is
 * called at once and returns how to give up, for a client that goes.
 */
export class Later {
  readonly start: (answer: Answer) => () => void;

  constructor(start: (answer: Answer) => () => void) {
    this.start = start;
  }
}
