/**
 * The gate, through which every command passes that the kernel does not run in place: it looks the command
 * up, counts it, checks it against the state of the client and the server, queues it in a transaction,
 * postpones it for a pause, and runs it. The order of the checks is that of Redis' processCommand.
 */
import { FastcacheError } from '../errors.js';
import { wordOf } from './arguments.js';
import { type ClientState, isConfined } from './client-state.js';
import {
  BUSY,
  type Command,
  diskFailure,
  flagBits,
  LOADING,
  NO_DATA,
  OUT_OF_MEMORY,
  READONLY,
  STALE,
  TOO_FEW_REPLICAS,
  VALUE_TOO_LONG,
} from './command.js';
import type { CommandHost } from './command-host.js';
import { type CommandTable, type FoundCommand, fitsArity } from './command-table.js';
import { releaseWatched } from './commands/transactions.js';
import { EMITTED_TOO_MUCH } from './emission-bound.js';
import { keysOf } from './key-positions.js';
import { Later } from './later.js';
import type { Monitors } from './monitors.js';
import { redacted } from './redaction.js';
import { Failure, Raw, type Reply, Status } from './reply.js';
import type { CallingScript } from './script-host.js';

/** The parts of the server that the gate uses. */
export interface GateOptions {
  table: CommandTable;
  host: CommandHost;
  monitors: Monitors;
  /** Runs a command that the kernel runs; returns its reply. Throws OUT_OF_MEMORY. */
  runInKernel(args: readonly Buffer[], client: ClientState): Reply;
  /** Logs a fault of a client; `kind` is the same for all faults of the kind. */
  warn(kind: string, message: string): void;
}

/** Result of a command that is to be handled again when the pause is over. */
export const POSTPONED = Symbol('postponed');
/** Result of a command that has no answer and closes its client. */
export const DISMISSED = Symbol('dismissed');

/** Bytes that an argument in a queue takes besides its own. */
const QUEUED_ARGUMENT_BYTES = 128;

/** The first byte of an error in RESP: `-`. */
const ERROR_MARK = 0x2d;

const QUEUED = new Status('QUEUED');
const UNKNOWN_IN_SCRIPT = new Failure('ERR Unknown Redis command called from script');
const WRONG_ARITY_IN_SCRIPT = new Failure('ERR Wrong number of args calling Redis command from script');
/** Commands that end a script also before others are answered BUSY. */
const SCRIPT_ENDING = new Set(['script|kill', 'shutdown']);
/** Commands that a client may send in RESP2 while it is subscribed. */
const WHILE_SUBSCRIBED = new Set([
  'ping',
  'subscribe',
  'ssubscribe',
  'unsubscribe',
  'sunsubscribe',
  'psubscribe',
  'punsubscribe',
  'quit',
  'reset',
]);
/** Commands that name another primary: a server runs them although it has nothing to read. */
const NAMES_PRIMARY = new Set(['replicaof', 'slaveof']);
/** Commands that run in a transaction instead of being queued. */
const UNQUEUED = new Set(['exec', 'discard', 'multi', 'watch', 'quit', 'reset']);

/** Lets commands through, queues them, postpones them or refuses them. */
export class Gate {
  readonly #options: GateOptions;
  /** Errors that commands of scripts were answered. */
  #errorsInScripts = 0;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Whether all clients' commands must pass the gate, also those that would run in the kernel. */
  get holdsAll(): boolean {
    const { monitors, host } = this.#options;
    const { situation, scripts } = host;
    if (monitors.count > 0 || host.slowlog.wantsFast) return true;
    if (scripts.runner?.suspended !== undefined) return true;
    if (situation.isLoading || situation.isStale || situation.lacksReplicas) return true;
    if (situation.diskFault !== undefined || situation.isReadOnly) return true;
    return situation.paused !== undefined;
  }

  /** Handles a client's command; returns what to answer, or when, or that there is no answer. */
  handle(args: Buffer[], client: ClientState): Reply | Later | typeof POSTPONED | typeof DISMISSED {
    const { table, host } = this.#options;
    const word = wordOf(args, 0);
    if (word === 'post' || word === 'host:') {
      this.#options.warn(
        'sent a line of HTTP',
        `${client.address} sent a line of HTTP (${word}): someone may be trying to make a browser talk to this port; closed`,
      );
      return DISMISSED;
    }
    const found = table.resolve(args);
    if (found instanceof Failure) {
      const name = table.find(args)?.fullName;
      client.lastCommand = name ?? 'NULL';
      return this.#reject(found, name, client);
    }
    client.lastCommand = found.fullName;
    const refusal = this.#refusal(found, args, client);
    if (refusal === POSTPONED) return POSTPONED;
    if (refusal !== undefined) return this.#reject(refusal, found.fullName, client);
    const { transaction } = client;
    if (transaction !== undefined && !UNQUEUED.has(found.fullName)) {
      // A transaction that will not run need not keep its commands.
      if (transaction.isBroken) return QUEUED;
      transaction.queuedBytes += args.reduce((sum, arg) => sum + arg.length + QUEUED_ARGUMENT_BYTES, 0);
      if (transaction.queuedBytes > host.settings.queryBufferBytes) {
        const fault = 'queued more than it may in a transaction; closed';
        this.#options.warn(fault, `${client.address} ${fault}`);
        return DISMISSED;
      }
      transaction.queue.push(args);
      return QUEUED;
    }
    return this.#run(found, args, client);
  }

  /** Runs a command that was let through before: one that EXEC has in its queue. */
  execute(args: readonly Buffer[], client: ClientState): Reply | Later {
    const found = this.#options.table.resolve(args);
    if (found instanceof Failure) return found;
    const mayNot = (found.flags & flagBits.write) !== 0 && client.emission?.isSpent === true;
    return mayNot ? EMITTED_TOO_MUCH : this.#run(found, args, client);
  }

  /** Runs a command that a script calls, if it may: one way for all commands and all callers. */
  callFromScript(args: readonly Buffer[], script: CallingScript): Reply {
    const { table, host } = this.#options;
    const found = table.find(args);
    if (found === undefined) return UNKNOWN_IN_SCRIPT;
    if (!fitsArity(found.command, args.length)) return WRONG_ARITY_IN_SCRIPT;
    const refusal = script.callRefusal(found.flags);
    if (refusal !== undefined) {
      host.statistics.record(found.fullName, 0, 'rejected');
      host.statistics.recordError(refusal.text);
      this.#errorsInScripts += 1;
      return refusal;
    }
    const answer = this.#run(found, args, script.client);
    if (isRead(found)) script.noteRead();
    // Nothing waits inside of a script.
    const reply = answer instanceof Later ? answer.replyInTime?.() : answer;
    if (reply === undefined) throw new Error(`${found.fullName} waits inside of a script.`);
    if (isError(reply)) this.#errorsInScripts += 1;
    return reply;
  }

  #run(found: FoundCommand, args: readonly Buffer[], client: ClientState): Reply | Later {
    const { host, monitors } = this.#options;
    const { command, fullName, flags } = found;
    const errorsBefore = this.#errorsInScripts;
    const startedUs = host.clock.monotonicUs();
    // A monitor sees a script before its commands, and any other command behind those that it has run itself.
    const isScript = command.group === 'scripting' && (flags & flagBits.skip_monitor) !== 0;
    if (isScript) monitors.show(redacted(fullName, args), client, host.time);
    if (host.events.isOn) host.events.runs(fullName);
    const answer = this.#answer(command, args, client);
    if (host.events.isOn) host.events.ran();
    // The kernel notes what the commands read that it runs; a script notes for its caller.
    if (client.tracking !== undefined && command.run !== undefined && isRead(found)) {
      host.tracking.noteRead(
        client,
        (keysOf(command, args) ?? []).map(({ key }) => key),
      );
    }
    if (command.run !== undefined) host.engine().uses.hot.used(() => keysOf(command, args)?.[0]?.key);
    const tookUs = Math.round(host.clock.monotonicUs() - startedUs);
    if ((flags & (flagBits.skip_monitor | flagBits.admin)) === 0) {
      monitors.show(redacted(fullName, args), client, host.time);
    }
    // The kernel counts and times the commands that it runs.
    if (command.run !== undefined) {
      host.statistics.record(fullName, tookUs, answer instanceof Failure ? 'failed' : 'ok');
      if (host.settings.tracksLatency) host.statistics.latencies?.record(fullName, tookUs);
    }
    if ((flags & flagBits.skip_slowlog) === 0) host.slowlog.record(redacted(fullName, args), tookUs, client);
    if (answer instanceof Later) {
      return answer.seenBy((reply) => this.#countError(reply, command, errorsBefore));
    }
    this.#countError(answer, command, errorsBefore);
    return answer;
  }

  /** Counts an error; a script that fails fails with an error of its command, which was counted as that. */
  #countError(reply: Reply, { group }: Command, errorsBefore: number): void {
    if (!(reply instanceof Failure)) return;
    if (group === 'scripting' && this.#errorsInScripts !== errorsBefore) return;
    this.#options.host.statistics.recordError(reply.text);
  }

  #answer({ run }: Command, args: readonly Buffer[], client: ClientState): Reply | Later {
    const { host, runInKernel } = this.#options;
    try {
      return run === undefined ? runInKernel(args, client) : run({ args, client, host });
    } catch (error) {
      if (error instanceof FastcacheError && error.code === 'OUT_OF_MEMORY') return OUT_OF_MEMORY;
      if (error instanceof FastcacheError && error.code === 'VALUE_OVER_LIMIT') {
        return VALUE_TOO_LONG;
      }
      throw error;
    }
  }

  /** Why the command may not run now; undefined when it may. */
  #refusal(
    found: FoundCommand,
    args: readonly Buffer[],
    client: ClientState,
  ): Failure | typeof POSTPONED | undefined {
    const { host } = this.#options;
    const { command, fullName, flags } = found;
    if (command.forbidden !== undefined) return command.forbidden;
    if (!client.isAuthenticated && (flags & flagBits.no_auth) === 0) {
      return new Failure('NOAUTH Authentication required.');
    }
    if (client.transaction !== undefined && (flags & flagBits.no_multi) !== 0) {
      return new Failure('ERR Command not allowed inside a transaction');
    }
    const effects = this.#effects(found, client);
    const writes = (effects & flagBits.write) !== 0;
    const isReplica = host.replication.isReplica;
    if (!isReplica && this.#lacksMemory((effects & flagBits.denyoom) !== 0, found, client)) {
      return OUT_OF_MEMORY;
    }
    const { isLoading, isStale, lacksReplicas, diskFault, isReadOnly, paused } = host.situation;
    const needsDisk = writes || fullName === 'ping';
    if (diskFault !== undefined && needsDisk && !isReplica) return diskFailure(diskFault);
    if (lacksReplicas && writes) return TOO_FEW_REPLICAS;
    if ((isReplica || isReadOnly) && writes) return READONLY;
    if (isConfined(client) && !WHILE_SUBSCRIBED.has(fullName)) {
      return new Failure(
        `ERR Can't execute '${fullName}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`,
      );
    }
    if (isStale && (flags & flagBits.stale) === 0) return STALE;
    if (isLoading && (flags & flagBits.loading) === 0) {
      const { lacksData } = host.replication;
      const mayName = isReplica || lacksData;
      if (!mayName || !NAMES_PRIMARY.has(fullName)) return lacksData ? NO_DATA : LOADING;
    }
    const script = this.#scriptInTheWay(found);
    if (script !== undefined) return script;
    const isForReplicas = () => this.#isForReplicas(found, args, client);
    if (client.isMonitor && ((effects & flagBits.readonly) !== 0 || isForReplicas())) {
      return new Failure("ERR Replica can't interact with the keyspace");
    }
    const isPostponed = paused === 'all' || (paused === 'write' && isForReplicas());
    return isPostponed ? POSTPONED : undefined;
  }

  /** Whether the command, or one of those that EXEC would run, may send something to replicas. */
  #isForReplicas(found: FoundCommand, args: readonly Buffer[], { transaction }: ClientState): boolean {
    const { table, host } = this.#options;
    if (found.fullName !== 'exec' || transaction === undefined) return isForReplicas(found, args, host);
    return transaction.queue.some((queued) => {
      const command = table.find(queued);
      return command !== undefined && isForReplicas(command, queued, host);
    });
  }

  /** Returns why a command does not run now: a script is suspended, or scripts are not loaded yet. */
  #scriptInTheWay({ command, fullName, flags }: FoundCommand): Failure | typeof POSTPONED | undefined {
    const { scripts } = this.#options.host;
    if (scripts.runner === undefined) {
      if (command.group !== 'scripting') return undefined;
      scripts.load();
      return scripts.fault ?? POSTPONED;
    }
    const { suspended } = scripts.runner;
    if (suspended === undefined || SCRIPT_ENDING.has(fullName)) return undefined;
    if (!suspended.isBusy) return POSTPONED;
    return (flags & flagBits.allow_busy) === 0 ? BUSY : undefined;
  }

  /** The flags of the command, or of all those that EXEC would run. */
  #effects({ fullName, flags }: FoundCommand, client: ClientState): number {
    if (fullName !== 'exec' || client.transaction === undefined) return flags;
    let effects = 0;
    for (const args of client.transaction.queue) effects |= this.#options.table.find(args)?.flags ?? 0;
    return effects;
  }

  /** Makes room, as before each command; without room a queue may not grow either. */
  #lacksMemory(isDenied: boolean, { fullName }: FoundCommand, client: ClientState): boolean {
    const { engine, tracking } = this.#options.host;
    const hasRoom = engine().makeRoom();
    tracking.sendEvicted(client);
    if (hasRoom) return false;
    return isDenied || (client.transaction !== undefined && !UNQUEUED.has(fullName));
  }

  #reject(failure: Failure, name: string | undefined, client: ClientState): Failure {
    const { statistics } = this.#options.host;
    if (name !== undefined) statistics.record(name, 0, 'rejected');
    statistics.recordError(failure.text);
    if (name !== 'exec') {
      if (client.transaction !== undefined) client.transaction.isBroken = true;
      return failure;
    }
    client.transaction = undefined;
    releaseWatched(client);
    return new Failure(`EXECABORT Transaction discarded because of: ${failure.text.replace(/^ERR /, '')}`);
  }
}

function isForReplicas(
  { command, flags }: FoundCommand,
  args: readonly Buffer[],
  host: CommandHost,
): boolean {
  return (flags & flagBits.write) !== 0 || command.mayReplicate?.(args, host) === true;
}

/** Whether a command reads keys, which are noted for clients that track; a script's calls do, not EVAL_RO. */
function isRead({ command, flags }: FoundCommand): boolean {
  return (flags & flagBits.readonly) !== 0 && command.group !== 'scripting';
}

function isError(reply: Reply): boolean {
  return reply instanceof Failure || (reply instanceof Raw && reply.bytes[0] === ERROR_MARK);
}
