/** Patterns of PSUBSCRIBE. Most are a prefix and a star, which need no more than a comparison. */
import type { ShardEngine } from '../../engine/shard-engine.js';
import { FastcacheError } from '../../errors.js';

/** Matches with Redis' glob patterns. */
export type GlobMatch = (pattern: Uint8Array, text: Uint8Array) => boolean;

/**
 * Makes what matches in the present store's kernel. A pattern for which that has no memory loses the message,
 * with a warning, and nobody else is harmed.
 */
export function storeGlob(
  engine: () => ShardEngine,
  warn: (kind: string, message: string) => void,
): GlobMatch {
  return (pattern, text) => {
    try {
      return engine().keyspace.matches(pattern, text);
    } catch (error) {
      if (!(error instanceof FastcacheError) || error.code !== 'OUT_OF_MEMORY') throw error;
      warn('a pattern is not matched', `a message is lost to the subscribers of a pattern: ${error.message}`);
      return false;
    }
  };
}

const PREFIX = /^[^*?[\\]*\*$/s;

/** One pattern, and how it is matched. */
export class ChannelPattern {
  readonly bytes: Buffer;
  /** The bytes that a channel must begin with, in latin1; undefined: the pattern is of another form. */
  readonly #prefix: string | undefined;

  /** `name` is the pattern in latin1. */
  constructor(name: string) {
    this.bytes = Buffer.from(name, 'latin1');
    this.#prefix = PREFIX.test(name) ? name.slice(0, -1) : undefined;
  }

  /** Returns whether a channel matches; `name` is `channel` in latin1. */
  matches(name: string, channel: Buffer, glob: GlobMatch): boolean {
    return this.#prefix === undefined ? glob(this.bytes, channel) : name.startsWith(this.#prefix);
  }
}
