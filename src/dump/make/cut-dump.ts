/**
 * Cuts a range or a choice of dumps into a dump of its own. Damage is skipped and returned, as when a dump is
 * salvaged: nothing can show what it held.
 */
import { BatchCheck } from '../check/batch-check.js';
import { FrameCheck } from '../check/frame-check.js';
import { FrameFilter } from '../choose/filter.js';
import { FramePicker } from '../choose/picker.js';
import { type DumpSource, type DumpSources, dumpName, sourceList } from '../read/dump-reader.js';
import { walkChunks } from '../read/walk.js';
import { DumpLosses } from './losses.js';
import { type MadeDump, type Making, type MakingOptions, makeDump, type ReadInput } from './made-dump.js';
import { DumpSalvager } from './salvager.js';

/** The options of `cutDump`. */
export interface CutOptions extends MakingOptions {
  /** The filter of what is copied; everything is when absent. */
  filter?: FrameFilter | undefined;
  /**
   * The most records and entries to be copied, of all dumps together (frames, where the filter leaves
   * no records and entries); no limit when absent. Behind the last one nothing is read.
   */
  limit?: number | undefined;
}

/** A dump that was cut. */
export interface CutDump extends MadeDump {
  /** Whether the snapshot that `limit` ends in is left out. */
  isSnapshotLeftOut: boolean;
}

/**
 * Copies what `filter` chooses of the dumps, one after the other, to `output`. A frame that is chosen whole
 * is copied byte for byte, one that is chosen in part is encoded again, compressed if it was; a snapshot is
 * copied whole, with its chosen entries, or not at all. Rejects with `NO_INPUT`, `READ_FAILED`, `BAD_OPTION`
 * (also for a filter that takes snapshots apart), `WRITE_FAILED`; then no file is left.
 *
 * ```js
 * const filter = new FrameFilter({ keys: ['user:*'], sinceMs: BigInt(Date.UTC(2026, 0)) });
 * const { records } = await cutDump('dump.fcrp', { output: 'users.fcrp', filter });
 * ```
 */
export async function cutDump(
  sources: DumpSources,
  { filter = new FrameFilter(), limit = Number.POSITIVE_INFINITY, ...options }: CutOptions,
): Promise<CutDump> {
  const list = sourceList(sources);
  const picker = new FramePicker(filter, limit);
  let isSnapshotLeftOut = false;
  const made = await makeDump(list, options, async (making) => {
    const inputs: ReadInput[] = [];
    for (const source of list) {
      if (isOver(picker)) break;
      const cut = await cutOne(source, picker, making);
      inputs.push({ file: dumpName(source), losses: cut.losses });
      isSnapshotLeftOut = cut.isSnapshotLeftOut;
    }
    return inputs;
  });
  return { ...made, isSnapshotLeftOut };
}

function isOver(picker: FramePicker, salvager?: DumpSalvager): boolean {
  return picker.isFull || (picker.isAtLimit && salvager?.isInSnapshot !== true);
}

async function cutOne(
  source: DumpSource,
  picker: FramePicker,
  { written, maxFaults, signal, onRead }: Making,
): Promise<{ losses: DumpLosses; isSnapshotLeftOut: boolean }> {
  const losses = new DumpLosses(maxFaults);
  let isSnapshotLeftOut = false;
  const check = new FrameCheck(new BatchCheck());
  const salvager = new DumpSalvager(
    check,
    written,
    (loss) => {
      if (picker.isFull) isSnapshotLeftOut = true;
      else losses.add(loss);
    },
    (frame) => picker.pick(frame, check),
  );
  const walk = { file: source, checks: check, signal, onRead: (bytes: number) => onRead(source, bytes) };
  reading: for await (const stretches of walkChunks(walk)) {
    for (const stretch of stretches) {
      if (stretch.type === 'damage' || picker.takes(stretch.frame.header.kind)) salvager.take(stretch);
      if (isOver(picker, salvager)) break reading;
    }
  }
  salvager.end();
  return { losses, isSnapshotLeftOut };
}
