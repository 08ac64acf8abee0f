/**
 * Notes what of a data directory is damaged although the content that was asked for is whole without it, and
 * where that is not what the digests in the directory say.
 */
import type { PastContent } from '../../data/past-content.js';
import type { FastcacheError } from '../../errors.js';

/** Notes each on stderr. */
export function noteDamage(
  { damage, differences }: Pick<PastContent, 'damage' | 'differences'>,
  note: (text: string) => void,
): void {
  for (const fault of damage) note(`Not needed for this content: ${textOf(fault)}`);
  for (const fault of differences) note(`The content differs: ${textOf(fault)}`);
}

function textOf({ place, message }: FastcacheError): string {
  return `${place}: ${message.replace(/ Nothing was changed\..*$/, '')}`;
}
