/** Finds the manifest of an earlier moment, and the files from which the content of then can be made. */
import type { FastcacheError } from '../errors.js';
import { INDEX_ENTRY_BYTES, IndexEntries, indexPath } from '../frame/index-entry.js';
import { FrameKind } from '../frame/kinds.js';
import { indexKernel } from '../frame-index/index-kernel.js';
import type { DataFiles } from './data-files.js';
import {
  type BaseEntry,
  baseName,
  type Content,
  contentOf,
  type Manifest,
  type SegmentEntry,
  segmentName,
} from './manifest.js';

/** So much of an index has its first batch. */
const BEGINNING_BYTES = 16 * INDEX_ENTRY_BYTES;

/** Returns the manifest with what had been begun, and made, at a time, Unix ms. */
function manifestAt(manifest: Manifest, untilMs: bigint): Manifest {
  const isThen = (ms: number) => BigInt(ms) <= untilMs;
  const segments = manifest.segments.filter(({ begunAtMs }) => isThen(begunAtMs));
  return withBases(manifest, segments, ({ madeAtMs }) => isThen(madeAtMs));
}

/**
 * Returns as `manifestAt`, and with the segments of the last chain that were begun later and may have records
 * of that time: a segment is begun behind its first records, by as much as the disk is behind.
 */
export async function manifestThen(files: DataFiles, manifest: Manifest, untilMs: bigint): Promise<Manifest> {
  const then = manifestAt(manifest, untilMs);
  const last = then.segments.at(-1);
  if (last === undefined) return then;
  const segments = [...then.segments];
  for (const next of manifest.segments.slice(manifest.segments.indexOf(last) + 1)) {
    if (next.follows !== 'segment' || !(await mayBeginBy(files, next, untilMs))) break;
    segments.push(next);
  }
  return { ...then, segments };
}

/** Returns the manifest with the segments up to that number, and the bases that are applied to these. */
export function manifestUpTo(manifest: Manifest, number: number): Manifest {
  return withBases(
    manifest,
    manifest.segments.filter((segment) => segment.number <= number),
  );
}

/** Returns the chains of a manifest: segments of which each but the first continues the one before. */
export function chainsOf(segments: readonly SegmentEntry[]): SegmentEntry[][] {
  const chains: SegmentEntry[][] = [];
  for (const entry of segments) {
    if (entry.follows === 'segment' && chains.length > 0) chains.at(-1)!.push(entry);
    else chains.push([entry]);
  }
  return chains;
}

/**
 * Returns what the content of a manifest can be made of, the fewest files first; nothing where there is none.
 * The manifest does not say at which watermarks a base is: one that is too late is left out by the next.
 */
export function contentChoices(manifest: Manifest): Content[] {
  const choices: Content[] = [];
  for (let count = manifest.bases.length; count >= 0; count -= 1) {
    const content = contentOf({ ...manifest, bases: manifest.bases.slice(0, count) });
    if (content !== undefined) choices.push(content);
    if (content?.base === undefined) break;
  }
  return choices;
}

/**
 * Returns contents of a manifest that have all its files, where it is known which content their frames
 * follow: segments behind an empty store or a base, up to where the next base begins, in order.
 */
export function allContents({ segments, bases }: Manifest): Content[] {
  return chainsOf(segments).flatMap((chain) => {
    const placeOf = (base: BaseEntry) => chain.findIndex(({ number }) => number === base.segment);
    const own = bases.filter((base) => placeOf(base) !== -1);
    const starts = [
      ...(chain[0]!.follows === 'nothing' ? [{ base: undefined, from: 0 }] : []),
      ...own.map((base) => ({ base, from: placeOf(base) })),
    ];
    return starts.map(({ base, from }, at) => {
      const next = starts[at + 1];
      return { base, segments: chain.slice(from, next && next.from + 1) };
    });
  });
}

/** Whether another choice may show the content: limits are not reached, or the base is damaged. */
export function mayShowElse(files: DataFiles, { base }: Content, { code, file }: FastcacheError): boolean {
  const isOfBase = base !== undefined && file === files.pathOf(baseName(base.number));
  return code === 'BAD_OPTION' || (code === 'DATA_DAMAGED' && isOfBase);
}

/** Whether a segment may begin with records of `untilMs` or before, by its index. */
async function mayBeginBy(files: DataFiles, { number }: SegmentEntry, untilMs: bigint): Promise<boolean> {
  const bytes = (await files.read(indexPath(segmentName(number)), BEGINNING_BYTES)) ?? Buffer.alloc(0);
  const entries = new IndexEntries(bytes.subarray(INDEX_ENTRY_BYTES));
  for (let at = 0; at < entries.length; at += 1) {
    if (!indexKernel().isSound(bytes.subarray((at + 1) * INDEX_ENTRY_BYTES))) return true;
    if (entries.kind(at) !== FrameKind.MutationBatch) continue;
    return !entries.isKnown(at) || entries.count(at) === 0 || entries.earliestMs(at) <= untilMs;
  }
  return true;
}

function withBases(
  manifest: Manifest,
  segments: readonly SegmentEntry[],
  isMeant: (base: Manifest['bases'][number]) => boolean = () => true,
): Manifest {
  const numbers = new Set(segments.map(({ number }) => number));
  const bases = manifest.bases.filter((base) => isMeant(base) && numbers.has(base.segment));
  return { ...manifest, segments, bases };
}
