/** Copies the whole frames of a damaged dump to another, and returns what was lost. */
import { BatchCheck } from '../check/batch-check.js';
import { FrameCheck } from '../check/frame-check.js';
import { type DumpSource, dumpName } from '../read/dump-reader.js';
import { walkDump } from '../read/walk.js';
import { DumpLosses } from './losses.js';
import { type MadeDump, type MakingOptions, makeDump } from './made-dump.js';
import { DumpSalvager } from './salvager.js';

/**
 * Copies every frame of `source` that is whole to `output`. Left out, and returned as losses, are damage,
 * batches with a wrong key hash or key tag, and all of a snapshot of which anything is lost. Rejects with
 * `NO_INPUT`, `READ_FAILED`, `BAD_OPTION`, `WRITE_FAILED`; then no file is left.
 *
 * ```js
 * const { frames, inputs } = await salvageDump('damaged.fcrp', { output: 'saved.fcrp' });
 * console.log(frames, 'frames kept,', inputs[0].losses.bytes, 'bytes lost');
 * ```
 */
export function salvageDump(source: DumpSource, options: MakingOptions): Promise<MadeDump> {
  return makeDump([source], options, async ({ written, maxFaults, signal, onRead }) => {
    const losses = new DumpLosses(maxFaults);
    const check = new FrameCheck(new BatchCheck());
    const salvager = new DumpSalvager(check, written, (loss) => losses.add(loss));
    await walkDump({
      file: source,
      checks: check,
      signal,
      onStretch: (stretch) => salvager.take(stretch),
      onRead: (bytes) => onRead(source, bytes),
    });
    salvager.end();
    return [{ file: dumpName(source), losses }];
  });
}
