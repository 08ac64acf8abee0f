/** How often errors were answered, by the word that they begin with: INFO's errorstats. */

/** Scripts make up words of their own: beyond so many, further ones are counted together. */
const WORDS_MAX = 128;
const OTHER_WORDS = 'ERRORSTATS_OVERFLOW';
/** Redis looks no further for the blank behind the word. */
const WORD_BYTES_MAX = 31;

/** Counts of errors by their word. */
export class ErrorCounts {
  readonly #counts = new Map<string, number>();

  /** Counts an error by its text: `ERR …`, `OOM …`. */
  record(text: string): void {
    const end = text.slice(0, WORD_BYTES_MAX + 1).indexOf(' ');
    this.add(end === -1 ? 'ERR' : text.slice(0, end), 1);
  }

  add(word: string, count: number): void {
    if (count === 0) return;
    const isKnown = this.#counts.has(word) || this.#counts.size < WORDS_MAX;
    const counted = isKnown ? word : OTHER_WORDS;
    this.#counts.set(counted, (this.#counts.get(counted) ?? 0) + count);
  }

  /** How many errors there were. */
  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** A copy, in which others may be counted as well. */
  copy(): ErrorCounts {
    const copy = new ErrorCounts();
    for (const [word, count] of this.#counts) copy.add(word, count);
    return copy;
  }

  /** The words in order, each with its count. */
  entries(): readonly (readonly [word: string, count: number])[] {
    return [...this.#counts].sort(([left], [right]) => (left < right ? -1 : 1));
  }

  reset(): void {
    this.#counts.clear();
  }
}
