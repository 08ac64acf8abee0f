/**
 * Notes what of a data directory is damaged although the content that was asked for is whole without it, and
 * where that is not what the digests in the directory say.
 */
import type { FastcacheError } from '../../errors.js';

/** Notes each on stderr. */
export function noteDamage(damage: readonly FastcacheError[], note: (text: string) => void): void {
  for (const { code, place, message } of damage) {
    const what = message.replace(/ Nothing was changed\..*$/, '');
    const isOfContent = code === 'CONTENT_DIVERGES';
    note(`${isOfContent ? 'The content differs' : 'Not needed for this content'}: ${place}: ${what}`);
  }
}
