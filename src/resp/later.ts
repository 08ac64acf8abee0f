import type { Reply } from './reply.js';

/**
 * A command that answers later; its client waits meanwhile, and with it the commands behind. `start` is called at once
 * and returns how to give up, for a client that goes.
 */
export class Later {
  readonly start: (done: (reply: Reply) => void) => () => void;

  constructor(start: (done: (reply: Reply) => void) => () => void) {
    this.start = start;
  }
}
