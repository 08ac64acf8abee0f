/** Random numbers, bytes and choices from a seed, for tests that must run the same way every time. */
import { seededRandom } from './virtual-world.js';

export class RandomSource {
  readonly u32: () => number;

  constructor(seed: number) {
    const random = seededRandom(seed);
    this.u32 = () => random.u32();
  }

  /** Another source from the same seed, for a concern of its own: a draw of one does not move the other. */
  static fork(seed: number, concern: string): RandomSource {
    let hash = seed | 0;
    for (const byte of Buffer.from(concern)) hash = Math.imul(hash ^ byte, 0x01000193);
    return new RandomSource(hash);
  }

  /** A whole number, 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor((this.u32() / 0x1_0000_0000) * limit);
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  chance(probability: number): boolean {
    return this.u32() < probability * 0x1_0000_0000;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    for (let at = 0; at < length; at++) bytes[at] = this.u32();
    return bytes;
  }

  /** Small mostly: every power of two up to `most` is as likely as the next. */
  skewed(most: number): number {
    return Math.min(most, Math.floor(2 ** ((this.u32() / 0x1_0000_0000) * Math.log2(most + 1))));
  }
}
