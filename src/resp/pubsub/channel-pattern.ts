/** A pattern of PSUBSCRIBE. Most are a prefix and a star, which need no more than a comparison. */

/** Matches with Redis' glob patterns. Throws OUT_OF_MEMORY. */
export type GlobMatch = (pattern: Uint8Array, text: Uint8Array) => boolean;

const PREFIX = /^[^*?[\\]*\*$/s;

/** One pattern, and how it is matched. */
export class ChannelPattern {
  readonly bytes: Buffer;
  /** What a channel must begin with, in latin1; undefined: the pattern is of another form. */
  readonly #prefix: string | undefined;

  /** `name` is the pattern in latin1. */
  constructor(name: string) {
    this.bytes = Buffer.from(name, 'latin1');
    this.#prefix = PREFIX.test(name) ? name.slice(0, -1) : undefined;
  }

  /** Returns whether a channel matches; `name` is `channel` in latin1. Throws what `glob` throws. */
  matches(name: string, channel: Buffer, glob: GlobMatch): boolean {
    return this.#prefix === undefined ? glob(this.bytes, channel) : name.startsWith(this.#prefix);
  }
}
