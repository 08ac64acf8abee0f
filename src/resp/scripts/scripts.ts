/** Scripts, as the server knows them before the first one comes: what runs them is loaded then. */
import type { CommandHost } from '../command-host.js';
import type { ScriptHost } from '../script-host.js';
import type { ScriptRunner, SuspensionHost } from './script-runner.js';

/** Loads what runs scripts when it is needed. */
export class Scripts implements ScriptHost {
  readonly #host: () => CommandHost;
  readonly #suspension: SuspensionHost;
  #runner: ScriptRunner | undefined;
  #isLoading = false;

  /** `host` is asked for once the runner is loaded. */
  constructor(host: () => CommandHost, suspension: SuspensionHost) {
    this.#host = host;
    this.#suspension = suspension;
  }

  get runner(): ScriptRunner | undefined {
    return this.#runner;
  }

  load(): void {
    if (this.#isLoading) return;
    this.#isLoading = true;
    void import('./script-runner.js').then(({ ScriptRunner: Runner }) => {
      this.#runner = new Runner(this.#host(), this.#suspension);
      this.#suspension.released();
    });
  }
}
