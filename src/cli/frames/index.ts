/** Runs `frames index`, which makes the index beside each dump, and says how far it goes. */
import type { Clock } from '../../clock.js';
import { indexDump } from '../../dump/make/index-dump.js';
import { dumpName } from '../../dump/read/dump-reader.js';
import { EXIT_BAD_FRAMES, FastcacheError } from '../../errors.js';
import { indexPath } from '../../frame/index-entry.js';
import type { IndexedPart } from '../../frame-index/index-file.js';
import { errorJson } from '../command/error-rendering.js';
import { untilExit } from '../command/shutdown.js';
import { UsageError } from '../command/values.js';
import { escapeText } from '../terminal/escape.js';
import { toJson } from '../terminal/json.js';
import type { Output } from '../terminal/output.js';
import { countText } from '../terminal/text.js';
import { ProgressLine } from './progress.js';

/** The arguments and flags of `frames index`. */
export interface IndexInvocation {
  /** Paths of the dumps. */
  files: readonly string[];
  /** The mode of an index that is made; undefined: 0o600. */
  mode: number | undefined;
  json: boolean;
  output: Output;
  terminal: NodeJS.WriteStream;
  clock: Clock;
  /** Reports a dump that has no index now and returns the exit status. */
  report(error: FastcacheError): Promise<number>;
}

/**
 * Makes all indexes; resolves with the exit status: that of the first dump that could not be read or does not
 * end behind a whole frame, 0 when there is none. Throws a `UsageError` for stdin.
 */
export async function runIndex(invocation: IndexInvocation): Promise<number> {
  const { files, mode, json, output, terminal, clock, report } = invocation;
  if (files.includes('-')) {
    throw new UsageError('an index lies beside its dump, and stdin (-) has no place: name a file');
  }
  const progress = new ProgressLine(terminal, clock, 'indexing');
  let status = 0;
  for (const file of files) {
    try {
      const options = { mode, onProgress: progress.show };
      const part = await untilExit((signal) => indexDump(file, { ...options, signal })).finally(() =>
        progress.close(),
      );
      await output.write(
        json ? `${toJson({ file, index: indexPath(file), ...part })}\n` : textOf(file, part),
      );
      if (part.dumpBytes > part.indexedBytes) status ||= EXIT_BAD_FRAMES;
    } catch (error) {
      if (!(error instanceof FastcacheError)) throw error;
      if (json) await output.write(`${toJson({ file: dumpName(file), ...errorJson(error) })}\n`);
      const fileStatus = await report(error);
      status ||= fileStatus;
    }
  }
  return status;
}

function textOf(file: string, { frames, indexedBytes, dumpBytes, isCut }: IndexedPart): string {
  const held = `${countText(frames, 'frame', 'frames')}, ${countText(indexedBytes, 'byte', 'bytes')}`;
  const line = `${escapeText(indexPath(file))}: ${held}\n`;
  if (dumpBytes === indexedBytes) return line;
  const rest = isCut ? 'the dump ends inside its last frame' : 'the dump is damaged';
  const advice = isCut ? 'frames salvage copies what is whole' : 'frames verify says what is wrong';
  return `${line}  it ends at byte ${indexedBytes}, for ${rest} there: ${advice}\n`;
}
