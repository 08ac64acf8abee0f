/** One run of a script, and what it may do: Redis' checks before a script, and before each of its calls. */
import type { ClientState } from '../client-state.js';
import {
  diskFailure,
  flagBits,
  MAY_REPLICATE,
  OUT_OF_MEMORY,
  READONLY,
  STALE,
  TOO_FEW_REPLICAS,
} from '../command.js';
import type { CommandHost } from '../command-host.js';
import { EMITTED_TOO_MUCH, type EmissionBound } from '../emission-bound.js';
import { Failure } from '../reply.js';
import type { CallingScript, ScriptCall, ScriptFlags } from '../script-host.js';

const STALE_UNDECLARED = new Failure(
  "MASTERDOWN Link with MASTER is down, replica-serve-stale-data is set to 'no' and 'allow-stale' flag is not set.",
);
const WRITES_READ_ONLY = new Failure('ERR Can not execute a script with write flag using *_ro command.');
const NOT_READ_ONLY = new Failure('ERR Write commands are not allowed from read-only scripts.');
const NOT_FROM_SCRIPT = new Failure('ERR This Redis command is not allowed from script');
const STALE_CALL = new Failure('ERR Can not execute the command on a stale replica');
const OUT_OF_MEMORY_UNDECLARED = new Failure(
  "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'",
);

/** The circumstances of a script that runs. */
export class ScriptRun implements CallingScript {
  readonly client: ClientState;
  readonly #flags: ScriptFlags;
  readonly #call: ScriptCall;
  readonly #isReadOnly: boolean;
  readonly #isOverMemory: boolean;
  readonly #host: CommandHost;
  readonly #emission: EmissionBound;
  /** It has called a command that writes: it cannot be killed any more. */
  hasWritten = false;

  /** `emission` is what it, or its transaction, may emit. */
  constructor(call: ScriptCall, client: ClientState, host: CommandHost, emission: EmissionBound) {
    this.#emission = emission;
    this.#call = call;
    this.#flags = call.script.flags;
    this.#isReadOnly = call.isReadOnly;
    this.#host = host;
    // Keys are evicted before a script, never within it.
    this.#isOverMemory = !host.engine().makeRoom();
    this.client = client;
  }

  /** Why the script may not begin; undefined when it may. */
  refusal(): Failure | undefined {
    const { situation, replication } = this.#host;
    const { isDeclared, mayWrite, allowsStale, allowsOutOfMemory } = this.#flags;
    if (!isDeclared) return situation.isStale ? STALE : undefined;
    if (situation.isStale && !allowsStale) return STALE_UNDECLARED;
    if (mayWrite) {
      if (replication.isReplica || situation.isReadOnly) return READONLY;
      if (this.#isReadOnly) return WRITES_READ_ONLY;
      if (situation.diskFault !== undefined) return diskFailure(situation.diskFault);
      if (situation.lacksReplicas) return TOO_FEW_REPLICAS;
    }
    if (this.#isOverMemory && !replication.isReplica && !allowsOutOfMemory) return OUT_OF_MEMORY_UNDECLARED;
    return undefined;
  }

  callRefusal(flags: number): Failure | undefined {
    const { situation, replication } = this.#host;
    if ((flags & flagBits.noscript) !== 0) return NOT_FROM_SCRIPT;
    if (situation.isStale && (flags & flagBits.stale) === 0) return STALE_CALL;
    const writes = (flags & flagBits.write) !== 0;
    const isForReplicas = (flags & (flagBits.write | MAY_REPLICATE)) !== 0;
    if (isForReplicas && (this.#isReadOnly || !this.#flags.mayWrite)) return NOT_READ_ONLY;
    if (writes) {
      if (!this.hasWritten && (replication.isReplica || situation.isReadOnly)) return READONLY;
      if (!this.hasWritten && situation.diskFault !== undefined) return diskFailure(situation.diskFault);
      if (!this.hasWritten && situation.lacksReplicas) return TOO_FEW_REPLICAS;
    }
    const needsMemory = (flags & flagBits.denyoom) !== 0 && !this.#flags.allowsOutOfMemory;
    if (needsMemory && this.#isOverMemory && !this.hasWritten && !replication.isReplica) return OUT_OF_MEMORY;
    if (writes && this.#emission.isSpent) return EMITTED_TOO_MUCH;
    if (writes) this.hasWritten = true;
    return undefined;
  }

  noteRead(): void {
    const { caller, keys } = this.#call;
    if (caller.tracking !== undefined) this.#host.tracking.noteRead(caller, keys);
  }
}
