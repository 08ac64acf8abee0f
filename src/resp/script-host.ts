/**
 * The interface of scripts to commands and the gate; the parts behind it are loaded with the first script.
 */
import type { ClientState } from './client-state.js';
import type { Later } from './later.js';
import type { Failure, Reply } from './reply.js';

/** The flags that a script declares in its first line. */
export interface ScriptFlags {
  /** It has such a line; without one it may do what it likes, and its commands are checked one by one. */
  readonly isDeclared: boolean;
  readonly mayWrite: boolean;
  /** It may run while memory is full. */
  readonly allowsOutOfMemory: boolean;
  /** It may run on a replica whose link is down. */
  readonly allowsStale: boolean;
}

/** A script in the cache. */
export interface CachedScript {
  /** The SHA-1 of its text, 40 hex digits. */
  readonly sha: string;
  readonly flags: ScriptFlags;
  /** The number of the compiled function. */
  readonly compiled: number;
  /** About the bytes that it takes. */
  readonly bytes: number;
}

/** A call of a script. */
export interface ScriptCall {
  readonly script: CachedScript;
  readonly keys: readonly Buffer[];
  readonly args: readonly Buffer[];
  /** It was called by EVAL_RO or EVALSHA_RO. */
  readonly isReadOnly: boolean;
  readonly caller: ClientState;
}

/** A script that calls a command. */
export interface CallingScript {
  /** The client that the command sees. */
  readonly client: ClientState;
  /** Why it may not call a command with these flags (`flagBits`); undefined when it may, and then does. */
  callRefusal(flags: number): Failure | undefined;
  /** It has called a command that reads: its keys are tracked for its caller. */
  noteRead(): void;
}

/** The cache of scripts, and what runs them. */
export interface ScriptRunning {
  /** The script that is suspended: whether it is busy for longer than the threshold; else undefined. */
  readonly suspended: { readonly isBusy: boolean } | undefined;
  readonly count: number;
  /** Bytes of the scripts in the cache, about. */
  readonly cachedBytes: number;
  /** The script of a SHA-1 in lower case; undefined when it is not in the cache. */
  find(sha: string): CachedScript | undefined;
  /** EVAL's script, compiled unless it is in the cache. */
  evaluated(body: Buffer): CachedScript | Failure;
  /** Puts a script into the cache for good: SCRIPT LOAD. */
  load(body: Buffer): CachedScript | Failure;
  /** Forgets all scripts. */
  flush(): void;
  /** Runs a script; answers later when it has to be suspended. */
  run(call: ScriptCall): Reply | Later;
  /** Asks the suspended script to end; returns why it cannot, undefined when it will. */
  kill(): Failure | undefined;
  /**
   * Begins no script any more. Resolves when none is suspended that has written, or is part of a transaction,
   * or after five seconds. A script that is suspended then never goes on.
   */
  finish(): Promise<void>;
}

/** Scripts, as the server knows them before the first one comes. */
export interface ScriptHost {
  /** The part that runs scripts; undefined until it is loaded. */
  readonly runner: ScriptRunning | undefined;
  /** Why it cannot be loaded; undefined as long as that has not failed. */
  readonly fault: Failure | undefined;
  /** Begins to load the runner, unless that has begun; commands that wait for it are then tried again. */
  load(): void;
}
