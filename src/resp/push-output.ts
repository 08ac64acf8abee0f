/**
 * The output to a client out of turn, that is, not as the reply to its command: messages of channels,
 * invalidations, a monitor's lines (docs/architecture.md, "Out of turn").
 */

/** The way out to one client. */
export interface PushOutput {
  /**
   * Sends whole messages, whatever CLIENT REPLY says: behind the reply to the client's command when one is
   * being handled, otherwise behind all that it was sent before. They leave at the end of the turn. The same
   * buffer may be given to many clients and must not change afterwards. A client at its
   * client-output-buffer-limit is closed.
   */
  push(bytes: Buffer): void;
  /** Returns whether so many bytes more may wait for the client; one that may not have them is closed. */
  takes(bytes: number): boolean;
}

/** The output of a client that is no connection: the client that a script's commands see. */
export const NO_OUTPUT: PushOutput = { push: () => {}, takes: () => false };
