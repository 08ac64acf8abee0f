/** Ids and passwords that are drawn by chance. */
import type { Random } from '../clock.js';

/** Returns so many hexadecimal digits, drawn by chance. */
export function drawHex(random: Random, digits: number): string {
  const words = Array.from({ length: Math.ceil(digits / 8) }, () => random.u32());
  return words
    .map((word) => word.toString(16).padStart(8, '0'))
    .join('')
    .slice(0, digits);
}
