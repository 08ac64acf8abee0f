/** Single keys of a person at a terminal, which are not echoed and need no Enter. */

/** The parts of stdin that are used. */
export type KeyInput = Pick<NodeJS.ReadStream, 'setRawMode' | 'on' | 'off' | 'resume' | 'pause'> & {
  readonly isTTY?: boolean;
};

/** ^C and ^D, which a terminal in raw mode does not turn into signals and ends. */
const ENDS = new Set(['\u0003', '\u0004']);

/** Takes keys, from its construction until it is closed; the terminal is then, and at any exit, as before. */
export class Keyboard {
  readonly #input: KeyInput;
  readonly #onData: (typed: Buffer) => void;
  readonly #restore = () => this.#input.setRawMode(false);
  /** A terminal that has gone cannot be set, and its going is told by SIGHUP. */
  readonly #onError = () => {};

  /** Calls `onKey` with each key that is a character, and `onEnd` for ^C and ^D. */
  constructor(input: KeyInput, onKey: (key: string) => void, onEnd: () => void) {
    this.#input = input;
    this.#onData = (typed) => {
      for (const key of keysOf(typed.toString('latin1'))) {
        if (ENDS.has(key)) onEnd();
        else onKey(key);
      }
    };
    if (input.isTTY !== true) return;
    input.on('error', this.#onError);
    input.setRawMode(true);
    process.once('exit', this.#restore);
    input.on('data', this.#onData);
    input.resume();
  }

  /** Gives the terminal back. */
  close(): void {
    if (this.#input.isTTY !== true) return;
    this.#input.off('data', this.#onData);
    this.#input.pause();
    process.removeListener('exit', this.#restore);
    this.#restore();
  }
}

/** The characters that were typed; keys such as the arrows, which send an escape sequence, are left out. */
function keysOf(typed: string): string[] {
  return typed.startsWith('\u001b') ? [] : [...typed];
}
