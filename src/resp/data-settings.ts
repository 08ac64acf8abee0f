/** The settings of the data directory, which CONFIG SET changes while it is written. */
import type { DataRules } from '../data/data-directory.js';
import type { FsyncPolicy } from '../data/journal.js';
import { parseBaseRule, parseKeep } from '../data/retention.js';
import type { OnFault } from './durability.js';
import type { Setting } from './setting.js';

/** The settings of one server's directory. */
export class DataSettings {
  readonly #fsync: Setting<FsyncPolicy>;
  readonly #onFault: Setting<OnFault>;
  readonly #base: Setting<string>;
  readonly #keep: Setting<string>;

  /** `find` returns the setting of a name. */
  constructor(find: <Value>(name: string) => Setting<Value>) {
    this.#fsync = find('appendfsync');
    this.#onFault = find('on-data-fault');
    this.#base = find('data-base');
    this.#keep = find('data-keep');
  }

  /** When written bytes are synced to the disk. */
  get fsync(): FsyncPolicy {
    return this.#fsync.value;
  }

  /** The handling of clients' writes while the disk fails. */
  get onFault(): OnFault {
    return this.#onFault.value;
  }

  /** When bases are made, and how far back the directory goes. */
  get rules(): DataRules {
    return { base: parseBaseRule(this.#base.value), keep: parseKeep(this.#keep.value) };
  }
}
