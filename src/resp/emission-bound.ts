/**
 * Bounds what a transaction or a script emits for replicas. Both are atomic, so that nobody else has a turn
 * meanwhile, and a small write into a large value emits all of it.
 */
import type { ShardEngine } from '../engine/shard-engine.js';
import { POSTPONED_VALUE_BYTES_MIN } from '../kernel/layout.js';
import { wordOf } from './arguments.js';
import { Failure } from './reply.js';

/** Bytes of records that a transaction may emit besides what was queued, and a script in all. */
export const EMITTED_BYTES_MAX = 1024 * 1024 * 1024;

/** Writes of a part of a value: those of one key that follow one another have one record of the value. */
const PART_WRITES = new Set(['append', 'bitfield', 'setbit', 'setrange']);
/** The subcommands of BITFIELD that write. */
const FIELD_WRITES = new Set(['set', 'incrby']);
/** Commands that give the value of their first key to another key. */
const VALUE_MOVES = new Set(['copy', 'rename', 'renamenx']);

/** The answer to a write of a transaction or a script that has emitted as much as it may. */
export const EMITTED_TOO_MUCH = new Failure(
  `ERR this transaction or script has emitted ${EMITTED_BYTES_MAX} bytes of records for the replicas, which ` +
    'is the most: divide it, or write a large value in one go',
);

/** The bound of one transaction or script, from its beginning on. */
export class EmissionBound {
  readonly #engine: ShardEngine;
  readonly #mostBytes: number;

  /** `queuedBytes` are those of the commands, which count in addition. */
  constructor(engine: ShardEngine, queuedBytes = 0) {
    this.#engine = engine;
    this.#mostBytes = engine.kernel.exports.emittedBytes() + queuedBytes + EMITTED_BYTES_MAX;
  }

  /** Whether no further write may run. */
  get isSpent(): boolean {
    return this.#engine.kernel.exports.emittedBytes() > this.#mostBytes;
  }
}

/**
 * Returns why EXEC may not run a queue: it is known beforehand that it would emit too much. The emitted bytes
 * of the commands whose records are longer than themselves are counted by the lengths that values have now.
 */
export function emissionRefusal(
  queue: readonly (readonly Buffer[])[],
  engine: ShardEngine,
): Failure | undefined {
  let bytes = 0;
  let writtenLast: Buffer | undefined;
  for (const args of queue) {
    const sources = sourcesOf(args);
    const [key] = sources;
    if (key === undefined) continue;
    const isPart = PART_WRITES.has(wordOf(args, 0));
    const length = sources.reduce((most, source) => Math.max(most, engine.values.length(source) ?? 0), 0);
    const isPostponed = isPart && length >= POSTPONED_VALUE_BYTES_MIN && writtenLast?.equals(key) === true;
    if (!isPostponed) bytes += length;
    writtenLast = isPart ? key : undefined;
  }
  if (bytes <= EMITTED_BYTES_MAX) return undefined;
  return new Failure(
    `EXECABORT Transaction discarded because of: it would emit ${bytes} bytes of records for the replicas, ` +
      `and ${EMITTED_BYTES_MAX} are the most: divide it, or write large values in one go`,
  );
}

/** The keys of whose values the longest is about as long as the command's record; none if that is short. */
function sourcesOf(args: readonly Buffer[]): readonly Buffer[] {
  const name = wordOf(args, 0);
  if (name === 'bitop') return args.slice(3);
  const isRead = name === 'bitfield' && !args.some((_, index) => FIELD_WRITES.has(wordOf(args, index)));
  return !isRead && (PART_WRITES.has(name) || VALUE_MOVES.has(name)) ? args.slice(1, 2) : [];
}
