/** Notes what of a data directory is damaged although the content that was asked for is whole without it. */
import type { FastcacheError } from '../../errors.js';

/** Notes each damage on stderr. */
export function noteDamage(damage: readonly FastcacheError[], note: (text: string) => void): void {
  for (const { place, message } of damage) {
    const what = message.replace(/ Nothing was changed\..*$/, '');
    note(`Not needed for this content: ${place}: ${what}`);
  }
}
