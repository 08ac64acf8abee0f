/** Makes the dumps of a data directory, each of which counts once the manifest names it. */
import type { DataFiles } from './data-files.js';
import { DumpFile } from './dump-file.js';
import type { Manifest } from './manifest.js';
import type { ManifestKeeper } from './manifest-keeper.js';
import type { Removals } from './removals.js';
import { filesOfDump } from './sync-mark.js';

/** So many names in a row may be taken by files that others have put there. */
const MAX_TAKEN = 100;

/** The options of making dumps. */
export interface DumpMakerOptions {
  readonly files: DataFiles;
  readonly keeper: ManifestKeeper;
  readonly removals: Removals;
  /** Called when the manifest names another dump. */
  named(): void;
}

/** Makes segments and bases of one directory. */
export class DumpMaker {
  readonly #options: DumpMakerOptions;
  /** Dumps that a manifest names which may be on the disk, or not. */
  readonly #doubtful: string[] = [];

  constructor(options: DumpMakerOptions) {
    this.#options = options;
  }

  /**
   * Makes a dump with the next name that is free, has it filled, and the manifest changed as `fill` says. A
   * fault leaves nothing, unless the manifest may have been replaced all the same and name the dump: that
   * stays until a later one is written.
   */
  async make(
    nextName: () => string,
    fill: (file: DumpFile) => Promise<(manifest: Manifest) => Manifest>,
  ): Promise<DumpFile> {
    const { files, keeper, removals, named } = this.#options;
    const file = await this.#create(nextName);
    let change: ((manifest: Manifest) => Manifest) | undefined;
    try {
      const filled = await fill(file);
      await files.syncNames();
      change = filled;
      await keeper.update(change);
    } catch (error) {
      await file.close().catch(() => {});
      // Its room may be needed now: the disk may be full.
      if (change === undefined) await removals.remove(filesOfDump(file.name), { isUrgent: true });
      else this.#doubtful.push(file.name);
      throw error;
    }
    named();
    await removals.remove(this.#doubtful.splice(0).flatMap(filesOfDump));
    return file;
  }

  async #create(nextName: () => string): Promise<DumpFile> {
    const { files, removals } = this.#options;
    for (let taken = 0; ; taken += 1) {
      try {
        return await DumpFile.create(files, nextName(), (names) => removals.remove(names));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || taken === MAX_TAKEN) throw error;
      }
    }
  }
}
