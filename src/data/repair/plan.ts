/**
 * Decides which parts of segments, and which bases, the new directory has: of each chain what leads to
 * content, from its beginning or from a base on, up to where something is missing.
 */
import { hasReached } from '../../replication/watermarks.js';
import { segmentName } from '../manifest.js';
import type { RepairReport } from './report.js';
import { completed, type Part, type WholeBase } from './survey.js';

/** Parts that continue each other, and the bases to which they are applied. */
export interface Stem {
  /** Whether the parts are applied to an empty store. */
  readonly isBegun: boolean;
  readonly parts: readonly Part[];
  /** Each with the part from which on frames are applied to it; undefined: there is none behind it. */
  readonly bases: readonly { readonly base: WholeBase; readonly part: Part | undefined }[];
}

/** A chain as it was surveyed. */
export interface SurveyedChain {
  /** Whether its first segment follows an empty store. */
  readonly isBegun: boolean;
  readonly parts: readonly Part[];
  readonly bases: readonly WholeBase[];
}

/** Returns what is taken over of a chain, in order; reports what is whole and leads nowhere. */
export function planChain({ isBegun, parts, bases }: SurveyedChain, report: RepairReport): Stem[] {
  const runs = runsOf(parts);
  const stems: Stem[] = [];
  const left = new Set(bases);
  // A base that is behind all records that are left before the first run stands alone.
  for (const [at, run] of [[], ...runs].entries()) {
    const next = runs[at];
    const own = [...left].filter((base) => next === undefined || !isPast(base, next));
    for (const base of own) left.delete(base);
    const isApplied = (base: WholeBase) => run.length > 0 && isPast(base, run) && isWithin(base, run);
    const applied = own.filter(isApplied);
    const begins = isBegun && at === 1 && isBeginning(run[0]!);
    const kept = begins ? run : run.slice(firstOf(run, applied));
    if (begins || applied.length > 0) {
      stems.push({
        isBegun: begins,
        parts: kept,
        bases: applied.map((base) => ({ base, part: partOf(kept, base) })),
      });
    }
    const lost = begins ? [] : applied.length === 0 ? run : run.slice(0, run.length - kept.length);
    for (const part of lost) reportUnreached(part, applied.length > 0, report);
    for (const base of own.filter((each) => !isApplied(each))) {
      stems.push({ isBegun: false, parts: [], bases: [{ base, part: undefined }] });
    }
  }
  return stems;
}

/** Returns the parts that continue each other, together. */
function runsOf(parts: readonly Part[]): Part[][] {
  const runs: Part[][] = [];
  for (const part of parts) {
    if (part.continues && runs.length > 0) runs.at(-1)!.push(part);
    else runs.push([part]);
  }
  return runs;
}

/** Whether a base shows what was there at the beginning of a run, or later. */
function isPast({ watermarks }: WholeBase, run: readonly Part[]): boolean {
  const [first] = run;
  if (first!.isNamed) return hasReached(watermarks, completed(first!.begun, []));
  const record = run.find((part) => part.first !== undefined)?.first;
  // Its own record shows that it is behind all that was before.
  return record !== undefined && (watermarks[record.shard] ?? 0n) >= record.sequence;
}

/** Whether a base shows what was there before the end of a run. */
function isWithin({ watermarks }: WholeBase, run: readonly Part[]): boolean {
  return hasReached(completed(run.at(-1)!.ended, watermarks), watermarks);
}

function isBeginning({ isNamed, begun, history }: Part): boolean {
  return isNamed && begun.every((at) => at === history.base);
}

/** Returns the index of the first part that is needed: parts before it lead nowhere. */
function firstOf(run: readonly Part[], bases: readonly WholeBase[]): number {
  const [oldest] = bases;
  if (oldest === undefined) return run.length;
  return run.indexOf(partOf(run, oldest)!);
}

/** Returns the part of a run from which on frames are applied to a base. */
function partOf(run: readonly Part[], { entry }: WholeBase): Part | undefined {
  return run.findLast(({ segment }) => segment.number <= entry.segment) ?? run[0];
}

function reportUnreached(part: Part, isBeforeBase: boolean, report: RepairReport): void {
  const { segment, start, end, begun, ended } = part;
  const sequences = ended.flatMap((to, shard) => {
    const before = begun[shard];
    return to === undefined || before === undefined || to === before
      ? []
      : [{ shard, from: before + 1n, to }];
  });
  if (sequences.length === 0) return;
  const why = isBeforeBase
    ? 'these frames are whole, and only the base behind them leads to content'
    : 'these frames are whole, and nothing leads to them: they follow what is missing, and no base was made behind it';
  report.file(segmentName(segment.number)).leave(why, { offset: start, end, sequences });
}
