/**
 * The condition of every replica at every moment: its content is that of some history, folded up to the
 * replica's watermarks. Histories are recorded as their primaries emit them, and folded into plain Maps that
 * know nothing of the kernel.
 */
import { decodeBatch, NO_EXPIRY } from '../../../src/frame/batch.js';
import { decodeFrame } from '../../../src/frame/frame.js';
import type { History } from '../../../src/replication/history.js';
import { scanAll } from '../engines.js';
import type { ObservedEngine } from './observed-engine.js';
import { type Kept, RecordedHistory, type RecordedShard } from './recorded-history.js';

/** The content that a node holds and shows. */
export interface Held {
  store: ObservedEngine;
  historyId: string;
}

/** A place in a history. */
export interface Place {
  readonly historyId: string;
  readonly watermarks: readonly bigint[];
}

/** How far a shard has been compared, and what it must hold. */
interface Cursor {
  source: RecordedShard;
  /** Records of the source that are applied. */
  index: number;
  content: Map<string, Kept>;
}

interface Seen {
  store: ObservedEngine;
  historyId: string;
  cursors: Cursor[];
  changes: number;
}

/** All of what is held is compared after so many changes. */
const CHANGES_BETWEEN_FULL_CHECKS = 100;

export class Oracle {
  readonly #histories = new Map<string, RecordedHistory>();
  readonly #seen = new Map<object, Seen>();
  /** The histories with whose content each one began, and those that were given up for it. */
  readonly #before = new Map<string, Set<string>>();
  /** The histories for which replicas are to give up others. */
  readonly #meant = new Set<string>();
  #isAllMeant = false;

  /** A primary begins to publish, with its watermarks where the history begins. */
  begin(history: History, watermarks: readonly bigint[]): void {
    const previous = history.previous && this.#historyOf(history.previous.id);
    this.#histories.set(history.id, RecordedHistory.begin(history, watermarks, previous));
    if (previous !== undefined) this.givenUp(previous.id, history.id);
  }

  /** The highest sequence of each shard that was emitted in a history; undefined: it is not known. */
  emitted(historyId: string): bigint[] | undefined {
    return this.#histories.get(historyId)?.watermarks();
  }

  /** Whether what stands at `later` holds all that stands at `earlier`. */
  isAtLeast(later: Place, earlier: Place): boolean {
    const [one, other] = [this.#historyOf(later.historyId), this.#historyOf(earlier.historyId)];
    return earlier.watermarks.every((watermark, shard) => {
      const index = other.shard(shard).indexOf(watermark);
      const isFurther = one.shard(shard).indexOf(later.watermarks[shard]!) >= index;
      return isFurther && one.shard(shard).sharesUpTo(other.shard(shard), index);
    });
  }

  /** Whether nothing was ever written up to there. */
  isBeginning({ historyId, watermarks }: Place): boolean {
    const history = this.#historyOf(historyId);
    return watermarks.every((watermark, shard) => history.shard(shard).indexOf(watermark) === 0);
  }

  /** Throws when it stands in the midst of a frame. */
  expectFrameEnd({ historyId, watermarks }: Place): void {
    const history = this.#historyOf(historyId);
    const shard = watermarks.findIndex((watermark, each) => !history.shard(each).isEnd(watermark));
    if (shard !== -1) throw new Error(`shard ${shard} stands at ${watermarks[shard]}, where no frame ended`);
  }

  /** An operator means that replicas give up other histories for this one; undefined: for every one. */
  mean(historyId: string | undefined): void {
    if (historyId === undefined) this.#isAllMeant = true;
    else this.#meant.add(historyId);
  }

  isMeant(historyId: string): boolean {
    return this.#isAllMeant || this.#meant.has(historyId);
  }

  /** The content of `before` has rightly given way to that of `now`. */
  givenUp(before: string, now: string): void {
    const known = this.#before.get(now) ?? new Set();
    this.#before.set(now, known.add(before));
  }

  /** Whether `now` continues `before`, or took its place, through others or not. */
  goesBackTo(now: string, before: string): boolean {
    const passed = new Set([now]);
    for (const id of passed) for (const other of this.#before.get(id) ?? []) passed.add(other);
    return passed.has(before);
  }

  /** It has published a frame. */
  record(historyId: string, frame: Uint8Array): void {
    const { payload } = decodeFrame(frame);
    const history = this.#historyOf(historyId);
    for (const record of decodeBatch(payload).records) history.push(record);
    history.endFrame();
  }

  /** Compares what has changed of what `node` holds since it was last looked at. */
  check(node: object, held: Held | undefined): void {
    if (held === undefined) {
      this.#seen.delete(node);
      return;
    }
    const { store, historyId } = held;
    const seen = this.#seen.get(node);
    if (seen?.store === store && seen.historyId === historyId && !store.isChanged) return;
    store.isChanged = false;
    if (seen?.store !== store) {
      const fresh = this.#look(held);
      if (seen !== undefined) expectNoFall(seen, fresh);
      this.#seen.set(node, fresh);
      expectContent(store, fresh.cursors);
      return;
    }
    seen.historyId = historyId;
    this.#follow(seen);
    seen.changes += 1;
    if (seen.changes % CHANGES_BETWEEN_FULL_CHECKS === 0) expectContent(store, seen.cursors);
  }

  /** Compares all of what is held with the fold at its watermarks, from the beginning. */
  checkWhole(held: Held): void {
    held.store.kernel.invariants();
    expectContent(held.store, this.#look(held).cursors);
  }

  #look({ store, historyId }: Held): Seen {
    const history = this.#historyOf(historyId);
    const cursors = store.watermarks().map((watermark, shard): Cursor => {
      const source = history.shard(shard);
      const index = source.indexOf(watermark);
      return { source, index, content: source.fold(index) };
    });
    return { store, historyId, cursors, changes: 0 };
  }

  #follow({ store, historyId, cursors }: Seen): void {
    const history = this.#historyOf(historyId);
    for (const [shard, watermark] of store.watermarks().entries()) {
      const cursor = cursors[shard]!;
      const source = history.shard(shard);
      const index = source.indexOf(watermark);
      if (!source.sharesUpTo(cursor.source, cursor.index)) {
        throw new Error(
          `shard ${shard} goes on in history ${historyId}, which does not continue what it held`,
        );
      }
      if (index < cursor.index) throw new Error(`the watermark of shard ${shard} fell to ${watermark}`);
      const touched = source.apply(cursor.content, cursor.index, index);
      cursor.source = source;
      cursor.index = index;
      for (const key of touched) expectKey(store, key, cursor.content.get(key));
    }
  }

  #historyOf(id: string): RecordedHistory {
    const history = this.#histories.get(id);
    if (history === undefined) throw new Error(`no primary ever had the history ${id}`);
    return history;
  }
}

/** New content of the same history is not older than what it replaces. */
function expectNoFall(before: Seen, after: Seen): void {
  if (before.historyId !== after.historyId) return;
  for (const [shard, { index }] of after.cursors.entries()) {
    if (index < before.cursors[shard]!.index)
      throw new Error(`new content is older than the old in shard ${shard}`);
  }
}

function expectKey(store: ObservedEngine, key: string, kept: Kept | undefined): void {
  const found = store.peek(Buffer.from(key, 'latin1'));
  const isRight =
    kept === undefined || found === undefined
      ? kept === found
      : found.value.equals(kept.value) && found.expireAtMs === (kept.expireAtMs ?? NO_EXPIRY);
  if (!isRight) {
    throw new Error(`${key} is ${show(found)} at watermarks at which it must be ${show(kept)}`);
  }
}

function expectContent(store: ObservedEngine, cursors: readonly Cursor[]): void {
  let keys = 0;
  for (const { key, value, expireAtMs } of scanAll(store)) {
    const { shard } = store.route(key);
    const kept = cursors[shard]?.content.get(key.toString('latin1'));
    const isRight = kept?.value.equals(value) && kept.expireAtMs === expireAtMs;
    if (!isRight) {
      throw new Error(`${key} of shard ${shard} is ${show({ value, expireAtMs })} and must be ${show(kept)}`);
    }
    keys += 1;
  }
  const expected = cursors.reduce((sum, { content }) => sum + content.size, 0);
  if (keys !== expected) throw new Error(`there are ${keys} keys, and must be ${expected}`);
}

function show(kept: (Pick<Kept, 'value'> & { expireAtMs: bigint | null }) | undefined): string {
  if (kept === undefined) return 'not there';
  return `${kept.value.length} bytes ${kept.value.toString('latin1', 0, 20)} @${kept.expireAtMs}`;
}
