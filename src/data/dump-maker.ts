/** Makes the dumps of a data directory, each of which counts once the manifest names it. */
import type { DataFiles } from './data-files.js';
import { DumpFile } from './dump-file.js';
import { removeDump } from './leftovers.js';
import type { Manifest } from './manifest.js';
import type { ManifestKeeper } from './manifest-keeper.js';

/** Makes segments and bases of one directory. */
export class DumpMaker {
  readonly #files: DataFiles;
  readonly #keeper: ManifestKeeper;
  /** Dumps that a manifest names which may be on the disk, or not. */
  readonly #doubtful: string[] = [];
  readonly #named: () => void;

  /** Calls `named` when the manifest names another dump. */
  constructor(files: DataFiles, keeper: ManifestKeeper, named: () => void) {
    this.#files = files;
    this.#keeper = keeper;
    this.#named = named;
  }

  /**
   * Makes a dump, has it filled, and the manifest changed as `fill` says. A fault leaves nothing, unless the
   * manifest may have been replaced all the same and name the dump: that stays until a later one is written.
   */
  async make(
    name: string,
    fill: (file: DumpFile) => Promise<(manifest: Manifest) => Manifest>,
  ): Promise<DumpFile> {
    let file: DumpFile | undefined;
    let change: ((manifest: Manifest) => Manifest) | undefined;
    try {
      file = await DumpFile.create(this.#files, name);
      const filled = await fill(file);
      await this.#files.syncNames();
      change = filled;
      await this.#keeper.update(change);
    } catch (error) {
      await file?.close().catch(() => {});
      if (change === undefined) await this.#remove(name);
      else this.#doubtful.push(name);
      throw error;
    }
    this.#named();
    for (const left of this.#doubtful.splice(0)) await this.#remove(left);
    return file;
  }

  /** Removes a dump as far as the disk lets it. */
  #remove(name: string): Promise<void> {
    return removeDump(this.#files, name).catch(() => {});
  }
}
