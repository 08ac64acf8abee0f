/** What a manifest was before, and what the content of then can be made of. */
import { type Content, contentOf, type Manifest, type SegmentEntry } from './manifest.js';

/** Returns the manifest with what there was at a time, Unix ms. */
export function manifestAt(manifest: Manifest, untilMs: bigint): Manifest {
  const isThen = (ms: number) => BigInt(ms) <= untilMs;
  const segments = manifest.segments.filter(({ begunAtMs }) => isThen(begunAtMs));
  return withBases(manifest, segments, ({ madeAtMs }) => isThen(madeAtMs));
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
 * A base does not say itself when it was made: one that turns out to be too late is left out by the next.
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

function withBases(
  manifest: Manifest,
  segments: readonly SegmentEntry[],
  isMeant: (base: Manifest['bases'][number]) => boolean = () => true,
): Manifest {
  const numbers = new Set(segments.map(({ number }) => number));
  const bases = manifest.bases.filter((base) => isMeant(base) && numbers.has(base.segment));
  return { ...manifest, segments, bases };
}
