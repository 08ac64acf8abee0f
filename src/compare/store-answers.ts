/**
 * Answers the questions of a comparison from a store (docs/protocol.md, "Compare"), in steps of about a
 * millisecond between which the store is written to.
 */
import type { RangeDigests } from '../engine/digests.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import { ANY_SHARD, type Answer, type KeyPlace, type KeyState, type Question } from '../frame/compare.js';

/** The content that is compared. */
export interface ComparedStore {
  /** The store; another one when its content has been replaced. */
  readonly engine: ShardEngine;
  readonly isPrimary: boolean;
  /** The history of the content, 32 hex digits; undefined: it has none. */
  readonly history: string | undefined;
  /** Why keys cannot be published again now, in words; undefined: they can. */
  readonly publishesNot: string | undefined;
}

/** Entries that a step looks at where digests are kept, about, and where values are hashed. */
const STEP_ENTRIES = 2048;
const STEP_HASHED_ENTRIES = 128;
/** A list ends behind the step with which it has so many bytes. */
const LIST_BYTES = 256 * 1024;
const MAX_U64 = (1n << 64n) - 1n;

interface Watched {
  readonly key: Buffer;
  readonly ticket: number;
}

/** The answers to one asker, who asks one question at a time. */
export class StoreAnswers {
  readonly #store: () => ComparedStore | undefined;
  /** The keys of the last question for keys, by their bytes as text, and the store that watches them. */
  #watched = new Map<string, Watched>();
  #watching: ShardEngine | undefined;

  /** `store` returns what is compared; undefined: there is nothing at this time. */
  constructor(store: () => ComparedStore | undefined) {
    this.#store = store;
  }

  /**
   * Returns the steps of an answer, each of which yields the share of the work that is done. The caller ends
   * an answer that it no longer wants by `return`. Throws OUT_OF_MEMORY.
   */
  *answer(question: Question): Generator<number, Answer> {
    const store = this.#store();
    if (store === undefined) return refused('It has no content that could be compared.');
    const { engine } = store;
    const missing = missingShard(question, engine.shards);
    if (missing !== undefined) return refused(`There is no shard ${missing} of ${engine.shards}.`);
    switch (question.asks) {
      case 'shards':
        return shardsOf(store);
      case 'parts':
        return yield* this.#parts(engine, question.shard, question.bits);
      case 'list':
        return yield* this.#list(engine, question);
      case 'keys':
        return { answers: 'keys', keys: this.#keys(engine, question.keys) };
      case 'publish':
        return yield* this.#publish(engine, question.keys);
    }
  }

  /** Watches no keys any more. */
  close(): void {
    for (const { key } of this.#watched.values()) this.#watching?.watches.unwatch(key);
    this.#watched.clear();
    this.#watching = undefined;
  }

  *#parts(engine: ShardEngine, shard: number, bits: number): Generator<number, Answer> {
    const { digests } = engine;
    const before = engine.watermark(shard);
    const range: RangeDigests = digests.range(shard, { first: 0n, last: MAX_U64, shift: 64 - bits });
    try {
      for (let looked = 0; !range.step(stepOf(engine)); ) {
        looked += stepOf(engine);
        yield shareOf(looked, digests.keysIn(shard));
        if (this.#store()?.engine !== engine) return replaced();
      }
      return { answers: 'parts', before, after: engine.watermark(shard), parts: range.take() };
    } finally {
      range.close();
    }
  }

  *#list(
    engine: ShardEngine,
    { shard, bits, wanted, cursor: start }: Extract<Question, { asks: 'list' }>,
  ): Generator<number, Answer> {
    const entries = [];
    let cursor = start;
    let bytes = 0;
    for (let looked = 0; ; looked += stepOf(engine)) {
      const step = engine.digests.list(shard, { shift: 64 - bits, wanted }, cursor, stepOf(engine));
      for (const entry of step.entries) {
        entries.push(entry);
        bytes += entry.key.length;
      }
      cursor = step.cursor;
      // Entries without a byte of key take room as well.
      if (cursor === 0n || bytes + 28 * entries.length >= LIST_BYTES) {
        return { answers: 'list', cursor, entries };
      }
      yield shareOf(looked, engine.digests.keysIn(shard));
      if (this.#store()?.engine !== engine) return replaced();
    }
  }

  #keys(engine: ShardEngine, keys: readonly KeyPlace[]): KeyState[] {
    const changed = this.#watch(engine, keys);
    const states = keys.map(({ shard, key }, index) => {
      const found = engine.digests.entry(key, shard);
      return { ...found, isChanged: changed[index]!, watermark: 0n };
    });
    // What has expired was deleted when it was watched; from there on nothing is written in this turn.
    for (const state of states) state.watermark = engine.watermark(state.shard);
    return states;
  }

  /** Watches these keys instead of the last ones; returns which have changed since they were watched. */
  #watch(engine: ShardEngine, keys: readonly KeyPlace[]): boolean[] {
    if (this.#watching !== engine) this.close();
    this.#watching = engine;
    const { watches } = engine;
    const last = this.#watched;
    const watched = new Map<string, Watched>();
    this.#watched = watched;
    try {
      return keys.map(({ key }) => {
        const name = Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
        const ticket = last.get(name)?.ticket;
        const isChanged = ticket === undefined || watches.changedSince(key, ticket);
        if (!watched.has(name)) watched.set(name, { key: Buffer.from(key), ticket: watches.watch(key) });
        return isChanged;
      });
    } finally {
      for (const { key } of last.values()) watches.unwatch(key);
    }
  }

  *#publish(engine: ShardEngine, keys: readonly KeyPlace[]): Generator<number, Answer> {
    for (const [index, { shard, key }] of keys.entries()) {
      const store = this.#store();
      const reason = store?.engine === engine ? store.publishesNot : 'Its content was replaced meanwhile.';
      if (reason !== undefined) return refused(reason);
      engine.updateTime();
      engine.digests.emitAgain(key, shard === ANY_SHARD ? engine.digests.entry(key).shard : shard);
      yield shareOf(index + 1, keys.length);
    }
    return { answers: 'publish', count: keys.length };
  }
}

/** Returns a shard that is asked for and that a store of so many shards does not have. */
function missingShard(question: Question, shards: number): number | undefined {
  switch (question.asks) {
    case 'shards':
      return undefined;
    case 'parts':
    case 'list':
      return question.shard < shards ? undefined : question.shard;
    default:
      return question.keys.find(({ shard }) => shard >= shards && shard !== ANY_SHARD)?.shard;
  }
}

function shardsOf({ engine, isPrimary, history }: ComparedStore): Answer {
  const { digests } = engine;
  const shards = Array.from({ length: engine.shards }, (_, shard) => {
    const { sum, second } = digests.areKept ? digests.of(shard) : { sum: 0n, second: 0n };
    const keys = BigInt(digests.keysIn(shard));
    return { watermark: engine.watermark(shard), sum, second, keys };
  });
  return { answers: 'shards', isPrimary, hasDigests: digests.areKept, history, shards };
}

function stepOf(engine: ShardEngine): number {
  return engine.digests.areKept ? STEP_ENTRIES : STEP_HASHED_ENTRIES;
}

function shareOf(done: number, all: number): number {
  return Math.min(1, done / Math.max(1, all));
}

function refused(reason: string): Answer {
  return { answers: 'refused', reason };
}

function replaced(): Answer {
  return refused('Its content was replaced meanwhile.');
}
