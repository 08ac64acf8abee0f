/** Reads what a dump or a data directory leads to, for the commands that compare. */
import type { Clock } from '../../clock.js';
import { contentFiles } from '../../data/directory-dumps.js';
import { readKeySpace } from '../../dump/fold/fold-dump.js';
import type { FoldedKeySpace } from '../../dump/fold/folded-key-space.js';
import { ProgressLine } from './progress.js';

/**
 * Resolves with the key space of a dump (`-` is stdin) or of a directory, with the keys that have expired.
 * Rejects as `readKeySpace` and `contentFiles`.
 */
export async function readDump(
  path: string,
  { terminal, clock }: { terminal: NodeJS.WriteStream; clock: Clock },
): Promise<FoldedKeySpace> {
  const progress = new ProgressLine(terminal, clock, 'reading');
  const reading = readKeySpace(await contentFiles([path]), { onProgress: progress.show });
  return reading.finally(() => progress.close());
}
