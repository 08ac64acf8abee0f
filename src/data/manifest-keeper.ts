/** Keeps the manifest of a directory: one change behind the other, and the files that no longer count. */

import type { DataFiles } from './data-files.js';
import { baseName, type Manifest, replaceManifest, segmentName } from './manifest.js';
import { chainsOf } from './past-manifest.js';
import { filesOfDump } from './sync-mark.js';

/** The segments from that number on, which are not removed as long as it is held. */
export interface Hold {
  from: number;
}

/** The manifest, as it is on the disk. */
export class ManifestKeeper {
  readonly #files: DataFiles;
  #manifest: Manifest;
  #lacksBase: boolean;
  #lastSegment: number;
  #lastBase: number;
  readonly #holds = new Set<Hold>();
  /** The change that is under way; it never rejects. */
  #changing: Promise<unknown> = Promise.resolve();

  constructor(files: DataFiles, manifest: Manifest) {
    this.#files = files;
    this.#manifest = manifest;
    this.#lacksBase = lacksBase(manifest);
    this.#lastSegment = manifest.segments.at(-1)?.number ?? 0;
    this.#lastBase = manifest.bases.at(-1)?.number ?? 0;
  }

  get manifest(): Manifest {
    return this.#manifest;
  }

  /** Whether frames that are written now count only once there is a base of their chain. */
  get lacksBase(): boolean {
    return this.#lacksBase;
  }

  /** Returns the number of the next segment, which is never returned again. */
  nextSegment(): number {
    this.#lastSegment += 1;
    return this.#lastSegment;
  }

  /** Returns the number of the next base, which is never returned again. */
  nextBase(): number {
    this.#lastBase += 1;
    return this.#lastBase;
  }

  /** Resolves when the changed manifest is on the disk. Rejects with system errors: it is then as before. */
  update(change: (manifest: Manifest) => Manifest): Promise<void> {
    const changed = this.#changing.then(async () => {
      const next = change(this.#manifest);
      await replaceManifest(this.#files, next);
      this.#manifest = next;
      this.#lacksBase = lacksBase(next);
    });
    this.#changing = changed.catch(() => {});
    return changed;
  }

  /** Keeps the segments from that number on, which may be changed, until `release`. */
  hold(from: number): Hold {
    const hold = { from };
    this.#holds.add(hold);
    return hold;
  }

  release(hold: Hold): void {
    this.#holds.delete(hold);
  }

  /**
   * Drops all but the newest bases, as many as `kept` returns then, and the segments that these do not need.
   * Resolves with the files that count no longer. Rejects with system errors.
   */
  async prune(kept: () => number): Promise<string[]> {
    let dropped: string[] = [];
    await this.update((manifest) => {
      const next = pruned(manifest, kept(), Math.min(...[...this.#holds].map(({ from }) => from)));
      dropped = [...namesOf(manifest)].filter((name) => !namesOf(next).has(name));
      return next;
    });
    return dropped.flatMap(filesOfDump);
  }
}

/**
 * Returns the manifest with its newest `keptBases` bases, without the segments that nothing of it needs;
 * those from `heldFrom` on are needed.
 */
export function pruned(manifest: Manifest, keptBases: number, heldFrom: number): Manifest {
  const bases = manifest.bases.slice(-keptBases);
  const [oldest] = bases;
  if (oldest === undefined) return manifest;
  const from = Math.min(oldest.segment, heldFrom);
  const chains = chainsOf(manifest.segments.filter(({ number }) => number >= from));
  const kept = chains.filter(
    (chain, at) =>
      at === chains.length - 1 ||
      chain[0]?.follows === 'nothing' ||
      chain.some(({ number }) => number >= heldFrom) ||
      bases.some(({ segment }) => chain.some(({ number }) => number === segment)),
  );
  return { ...manifest, bases, segments: kept.flat() };
}

function lacksBase({ segments, bases }: Manifest): boolean {
  const first = segments.findLast(({ follows }) => follows !== 'segment');
  return first?.follows === 'base' && !((bases.at(-1)?.segment ?? 0) >= first.number);
}

function namesOf({ segments, bases }: Manifest): Set<string> {
  return new Set([
    ...segments.map(({ number }) => segmentName(number)),
    ...bases.map(({ number }) => baseName(number)),
  ]);
}
