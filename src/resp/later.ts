import type { Reply } from './reply.js';

/** Answers the command that waits; when the reply `isLast`, the client is closed behind it. */
export type Answer = (reply: Reply, isLast?: boolean) => void;

/**
 * A command that answers later; until then its client waits, and the client's next commands with it. `start`
 * is called at once and returns the function that gives up, for a client that disconnects.
 */
export class Later {
  readonly start: (answer: Answer) => () => void;

  constructor(start: (answer: Answer) => () => void) {
    this.start = start;
  }
}
