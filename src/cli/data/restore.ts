/** Runs `data restore`, which writes what a data directory had at a moment to a dump or a directory. */
import { makeDirectory, writeContent } from '../../data/new-directory.js';
import { type Moment, type PastContent, readPast } from '../../data/past-content.js';
import { FastcacheError } from '../../errors.js';
import type { History } from '../../replication/history.js';
import { untilExit } from '../command/shutdown.js';
import { noteDamage } from '../frames/passed-damage.js';
import { ProgressLine } from '../frames/progress.js';
import { type StateInvocation, summaryOf, summaryText, writeState } from '../frames/state.js';
import { toJson } from '../terminal/json.js';
import { formatTime } from '../terminal/text.js';

/** The kinds of output of `data restore`. */
export const restoreFormats = ['dump', 'directory'] as const;

/** The arguments and flags of `data restore`. */
export interface RestoreInvocation
  extends Omit<StateInvocation, 'files' | 'read' | 'isChoice' | 'format' | 'values' | 'encoding'> {
  directory: string;
  moment: Moment;
  format: (typeof restoreFormats)[number];
}

/** Writes the dump or the directory. Rejects as `writeState`, `readPast` and `makeDirectory`. */
export function runRestore(invocation: RestoreInvocation): Promise<void> {
  return invocation.format === 'dump' ? restoreDump(invocation) : restoreDirectory(invocation);
}

async function restoreDump(invocation: RestoreInvocation): Promise<void> {
  const { directory, moment, note } = invocation;
  await writeState({
    ...invocation,
    files: [directory],
    isChoice: Object.values(moment).some((given) => given !== undefined),
    format: 'dump',
    values: 'none',
    encoding: {},
    read: async (onProgress) => {
      const past = await readPast(directory, moment, onProgress);
      noteFound(past, note);
      const { keySpace } = past;
      keySpace.expire(keySpace.atMs ?? 0);
      return keySpace;
    },
  });
}

async function restoreDirectory(invocation: RestoreInvocation): Promise<void> {
  const { directory, moment, target, terminal, clock, note, json, output } = invocation;
  const progress = new ProgressLine(terminal, clock, 'reading');
  const { keySpace, bytes } = await untilExit((signal) =>
    makeDirectory(target, signal, async (files) => {
      const past = await readPast(directory, moment, progress.show).finally(() => progress.close());
      noteFound(past, note);
      const { keySpace } = past;
      const history = historyOf(past, directory);
      const manifest = await writeContent(files, { keySpace, history, nowMs: clock.nowMs() });
      return { manifest, keySpace, bytes: manifest.bases[0]!.bytes };
    }),
  );
  await output.write(
    json
      ? `${toJson({ target, bytes, ...summaryOf(keySpace, [directory]) })}\n`
      : summaryText(keySpace, target, bytes),
  );
}

/** Returns the history that a server is to continue. Throws BAD_OPTION where nothing was ever written. */
function historyOf({ keySpace, history }: PastContent, directory: string): History {
  const { keys, watermarks } = keySpace;
  if (history !== undefined && (keys > 0 || watermarks.some((at) => at > history.base))) return history;
  const message = 'Nothing had been written by then: a server begins so without a directory of its own.';
  throw new FastcacheError('BAD_OPTION', message, { file: directory });
}

/** Notes on stderr the change that `--before` has found, and the damage. */
function noteFound(past: PastContent, note: (text: string) => void): void {
  noteDamage(past, note);
  const { loss } = past;
  if (loss === undefined) return;
  const { how, timeMs } = loss;
  const what = how === 'replaced' ? 'other content took the place of all' : `the value was ${how}`;
  note(`Right before ${what}${timeMs === undefined ? '' : `, at ${formatTime(timeMs)}`}`);
}
