/** Scripts, as the server knows them before the first one comes. The part that runs them is loaded then. */
import type { CommandHost } from '../command-host.js';
import { Failure } from '../reply.js';
import type { ScriptHost } from '../script-host.js';
import type { ScriptRunner, SuspensionHost } from './script-runner.js';

/** Loads what runs scripts when it is needed. */
export class Scripts implements ScriptHost {
  readonly #host: () => CommandHost;
  readonly #suspension: SuspensionHost;
  #runner: ScriptRunner | undefined;
  #isLoading = false;
  #fault: Failure | undefined;

  /** `host` is asked for once the runner is loaded. */
  constructor(host: () => CommandHost, suspension: SuspensionHost) {
    this.#host = host;
    this.#suspension = suspension;
  }

  get runner(): ScriptRunner | undefined {
    return this.#runner;
  }

  get fault(): Failure | undefined {
    return this.#fault;
  }

  load(): void {
    if (this.#isLoading) return;
    this.#isLoading = true;
    void import('./script-runner.js')
      .then(({ ScriptRunner: Runner }) => {
        this.#runner = new Runner(this.#host(), this.#suspension);
      })
      .catch((error: Error) => {
        const reason = `${error.message.replace(/\.$/, '')}. Restart the server: its files may be another version's`;
        this.#fault = new Failure(`ERR Scripts cannot be run: ${inOneLine(reason)}`);
        this.#host().log.error(`scripts cannot be run: ${reason}`);
      })
      .then(() => this.#suspension.released());
  }
}

function inOneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}
