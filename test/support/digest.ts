/**
 * The digest by which two stores are compared, whatever language they are written in: FNV-1a, 64 bits, over
 * key, 0, value, 0 of all entries in the order of their keys. `rust-peer/src/content.rs` has the same.
 */

export type Entry = readonly [key: Buffer, value: Buffer];

const PRIME_LOW = 0x1b3;

/**
 * `<number of entries> <digest as 16 hex digits>`, as the Rust peer answers `digest`. Keys must be unique.
 */
export function digestOf(entries: readonly Entry[]): string {
  const hash = new Fnv1a();
  for (const [key, value] of entries.toSorted(([a], [b]) => Buffer.compare(a, b))) {
    hash.eat(key);
    hash.eat(value);
  }
  return `${entries.length} ${hash.hex()}`;
}

/**
 * In two unsigned halves, because a BigInt a byte would take minutes over a large store. The prime is 2^40 +
 * 0x1b3, so hash * prime = hash * 0x1b3 + (low half << 8) in the high half; products are taken 16 bits at a
 * time.
 */
class Fnv1a {
  #high = 0xcbf29ce4;
  #low = 0x84222325;

  /** Takes in the bytes and a 0 behind them. */
  eat(bytes: Uint8Array): void {
    let high = this.#high;
    let low = this.#low;
    for (let at = 0; at <= bytes.length; at++) {
      if (at < bytes.length) low ^= bytes[at]!;
      const bottom = (low & 0xffff) * PRIME_LOW;
      const top = (low >>> 16) * PRIME_LOW + (bottom >>> 16);
      high = (Math.imul(high, PRIME_LOW) + (top >>> 16) + (low << 8)) | 0;
      low = (top << 16) | (bottom & 0xffff);
    }
    this.#high = high;
    this.#low = low;
  }

  hex(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }
}
