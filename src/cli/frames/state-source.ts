/** The input of `frames state`: dumps, or a data directory with all that it knows of its files. */
import { contentFiles, dumpFiles, isDirectory } from '../../data/directory-dumps.js';
import { readPast } from '../../data/past-content.js';
import type { DumpLimits } from '../../dump/choose/batch-limit.js';
import { foldDump } from '../../dump/fold/fold-dump.js';
import { noteDamage } from './passed-damage.js';
import type { StateInvocation } from './state.js';

/**
 * Returns how the key space of `paths` is read, up to the limits; `note` writes to stderr. Throws as
 * `readDirectory`.
 */
export async function stateSource(
  paths: readonly string[],
  limits: DumpLimits,
  note: (text: string) => void,
): Promise<Pick<StateInvocation, 'files' | 'read' | 'isChoice'>> {
  const { endSequence, untilMs } = limits;
  const isChoice = endSequence !== undefined || untilMs !== undefined;
  const [path] = paths;
  // The content at a sequence of all shards may need what is older than the newest base.
  if (paths.length === 1 && endSequence === undefined && (await isDirectory(path!))) {
    const read: StateInvocation['read'] = async (onProgress) => {
      const past = await readPast(path!, { atMs: untilMs }, onProgress);
      noteDamage(past, note);
      const { keySpace } = past;
      keySpace.expire(keySpace.atMs ?? 0);
      return keySpace;
    };
    return { files: paths, read, isChoice };
  }
  const files = await (endSequence === undefined ? contentFiles(paths, untilMs) : dumpFiles(paths));
  return { files, read: (onProgress) => foldDump(files, { ...limits, onProgress }), isChoice };
}
