/** Walks over the bytes of a value of an RDB file, as they come, in a few words of memory. */
import { lengthAt, lengthBytes, readStringHead } from './string-object.js';
import type { Part, Shape } from './value-shapes.js';

/** Where a walk is: in which part of a shape, and how often the shape is still to come. */
interface Level {
  readonly shape: Shape;
  index: number;
  left: number;
}

/** The shapes of a module's parts, by their sort; 0 ends them. */
const MODULE_PARTS: readonly (Shape | undefined)[] = [
  undefined,
  ['length'],
  ['length'],
  [4],
  [8],
  ['string'],
];
/** From here on the byte before a score stands for a number that has no text. */
const SCORE_SPECIAL = 253;

/** A walk over one value. */
export class ShapeWalk {
  readonly #levels: Level[];
  /** Bytes that are skipped, whatever they are. */
  #skipped = 0;

  /** `shape` is what comes. */
  constructor(shape: Shape) {
    this.#levels = [{ shape, index: 0, left: 1 }];
  }

  /** Whether all of it has been walked over. */
  get isDone(): boolean {
    return this.#levels.length === 0 && this.#skipped === 0;
  }

  /**
   * Walks on in `bytes`; returns how many it has walked over, all of them unless the value ends or a part is
   * not whole; undefined when they are no such value, which begins to be wrong at `faultAt`.
   */
  walk(bytes: Buffer): number | undefined {
    let at = 0;
    for (;;) {
      const skipped = Math.min(this.#skipped, bytes.length - at);
      this.#skipped -= skipped;
      at += skipped;
      const level = this.#levels.at(-1);
      if (this.#skipped > 0 || level === undefined) return at;
      const part = level.shape[level.index];
      if (part === undefined) {
        level.index = 0;
        level.left -= 1;
        if (level.left === 0) this.#levels.pop();
        continue;
      }
      const taken = this.#take(part, level, bytes, at);
      if (taken === undefined) {
        this.faultAt = at;
        return undefined;
      }
      if (taken === 0) return at;
      at += taken;
    }
  }

  /** The byte, of those that `walk` was given, at which something else than a value stands. */
  faultAt = 0;

  /** Takes the head of a part; returns its bytes, 0 when it is not whole, undefined when it is malformed. */
  #take(part: Part, level: Level, bytes: Buffer, at: number): number | undefined {
    if (typeof part === 'number') {
      if (at === bytes.length) return 0;
      // At least one byte is taken here, so that 0 keeps its meaning.
      this.#skipped = part - 1;
      level.index += 1;
      return 1;
    }
    if (part === 'string') {
      const head = readStringHead(bytes, at);
      if (head === undefined) return 0;
      if (head === 'malformed' || !Number.isSafeInteger(head.bodyBytes)) return undefined;
      this.#skipped = head.bodyBytes;
      level.index += 1;
      return head.headBytes;
    }
    const first = bytes[at];
    if (first === undefined) return 0;
    if (part === 'score') {
      this.#skipped = first >= SCORE_SPECIAL ? 0 : first;
      level.index += 1;
      return 1;
    }
    const size = lengthBytes(first);
    if (size === undefined) return undefined;
    if (at + size > bytes.length) return 0;
    if (part === 'length') {
      level.index += 1;
      return size;
    }
    const count = lengthAt(bytes, at);
    if (part !== 'module') {
      if (!Number.isSafeInteger(count)) return undefined;
      level.index += 1;
      if (count > 0) this.#levels.push({ shape: part.each, index: 0, left: count });
      return size;
    }
    if (count === 0) {
      level.index += 1;
      return size;
    }
    const shape = MODULE_PARTS[count];
    if (shape === undefined) return undefined;
    this.#levels.push({ shape, index: 0, left: 1 });
    return size;
  }
}
