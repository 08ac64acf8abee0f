/**
 * Runs scripts, one at a time. A script that is not done soon is suspended, so that the event loop has its
 * turn; meanwhile the store is frozen and clients' commands wait, from `busy-reply-threshold` on they are
 * answered BUSY (docs/architecture.md, "Scripts"). This file and the Lua behind it are loaded with the first
 * script.
 */
import { createHash } from 'node:crypto';
import { LuaMachine, type Outcome, type Verdict } from '../../lua/machine.js';
import { ClientState } from '../client-state.js';
import type { CommandHost } from '../command-host.js';
import { EmissionBound } from '../emission-bound.js';
import { type Answer, Later } from '../later.js';
import { Failure, type Protocol, type Reply } from '../reply.js';
import type { CachedScript, ScriptCall, ScriptRunning } from '../script-host.js';
import { popReply } from './lua-to-reply.js';
import { errorText, openRedis } from './redis-library.js';
import { ScriptRun } from './script-run.js';
import { readShebang } from './shebang.js';

/** Milliseconds for which a script runs before other events of the process have their turn. */
const SLICE_MS = 50;
/** Milliseconds for which a script may stay where it cannot be suspended, when no threshold is set. */
const PINNED_MS_MAX = 5_000;
/** The most scripts of EVAL that are kept; those of SCRIPT LOAD are kept until SCRIPT FLUSH. */
const EVALUATED_MAX = 500;
/** Bytes that a script takes besides its text. */
const SCRIPT_BYTES = 1024;

/** Milliseconds that a script that has written has when the server stops. */
const FINISH_MS = 5_000;

const STOPPING = new Failure('ERR The server stops, and runs no script any more.');
const KILLED = 'ERR Script killed by user with SCRIPT KILL.';
const CANNOT_BE_SUSPENDED =
  'ERR The script ran for too long in a callback that cannot be suspended. Give it less to do there.';

/** The server's part in the suspension of a script. */
export interface SuspensionHost {
  /** The script is suspended for the first time. */
  suspended(): void;
  /** The script has ended, or from now on clients are answered BUSY: commands that wait are tried again. */
  released(): void;
}

/** The script that is being run. */
interface Running {
  readonly run: ScriptRun;
  readonly script: CachedScript;
  readonly startedMs: number;
  /** Whether it is part of a transaction, which may have written before. */
  readonly isInExec: boolean;
  isSuspended: boolean;
  isBusy: boolean;
  isKilled: boolean;
  /** Answers the caller, once the script has been suspended. */
  answer: Answer;
}

/** The cache of scripts, and the machine that runs them. */
export class ScriptRunner implements ScriptRunning {
  readonly #host: CommandHost;
  readonly #suspension: SuspensionHost;
  readonly #machine: LuaMachine;
  readonly #loaded = new Map<string, CachedScript>();
  /** Scripts of EVAL, the one that was used longest ago first. */
  readonly #evaluated = new Map<string, CachedScript>();
  readonly #client: ClientState;
  #running: Running | undefined;
  #sliceStartedMs = 0;
  #isStopped = false;
  /** Called when no script is suspended any more; undefined before `finish`. */
  #onIdle: (() => void) | undefined;

  constructor(host: CommandHost, suspension: SuspensionHost) {
    this.#host = host;
    this.#suspension = suspension;
    this.#client = new ClientState({
      id: 0,
      address: 'lua',
      localAddress: '',
      nowMs: host.clock.nowMs(),
      isAuthenticated: true,
    });
    // Nothing that a script calls may wait.
    this.#client.isInExec = true;
    this.#machine = new LuaMachine({
      open: (L) => openRedis(L, this.#library()),
      judge: (canSuspend) => this.#judge(canSuspend),
      nowMs: () => host.clock.nowMs(),
      cpuSeconds: () => process.cpuUsage().user / 1e6,
    });
  }

  get suspended(): { readonly isBusy: boolean } | undefined {
    return this.#running?.isSuspended ? this.#running : undefined;
  }

  get count(): number {
    return this.#loaded.size + this.#evaluated.size;
  }

  get cachedBytes(): number {
    return [...this.#loaded.values(), ...this.#evaluated.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  find(sha: string): CachedScript | undefined {
    return this.#loaded.get(sha) ?? this.#evaluated.get(sha);
  }

  evaluated(body: Buffer): CachedScript | Failure {
    const sha = shaOf(body);
    const script = this.find(sha) ?? this.#compile(sha, body);
    if (script instanceof Failure || this.#loaded.has(sha)) return script;
    this.#evaluated.delete(sha);
    this.#evaluated.set(sha, script);
    const [oldest] = this.#evaluated.values();
    if (this.#evaluated.size > EVALUATED_MAX) this.#drop(oldest!);
    return script;
  }

  load(body: Buffer): CachedScript | Failure {
    const sha = shaOf(body);
    const script = this.find(sha) ?? this.#compile(sha, body);
    if (script instanceof Failure) return script;
    this.#evaluated.delete(sha);
    this.#loaded.set(sha, script);
    return script;
  }

  flush(): void {
    for (const { compiled } of [...this.#loaded.values(), ...this.#evaluated.values()]) {
      this.#machine.release(compiled);
    }
    this.#loaded.clear();
    this.#evaluated.clear();
  }

  run(call: ScriptCall): Reply | Later {
    const { script, keys, args, caller } = call;
    if (this.#onIdle !== undefined && !caller.isInExec) return STOPPING;
    const emission = caller.emission ?? new EmissionBound(this.#host.engine());
    const run = new ScriptRun(call, this.#clientFor(caller), this.#host, emission);
    const refusal = run.refusal();
    if (refusal !== undefined) return refusal;
    this.#machine.setList('KEYS', keys);
    this.#machine.setList('ARGV', args);
    const startedMs = this.#nowMs();
    const state = { isSuspended: false, isBusy: false, isKilled: false };
    this.#running = { run, script, startedMs, isInExec: caller.isInExec, ...state, answer: () => {} };
    this.#sliceStartedMs = startedMs;
    const outcome = this.#step(() => this.#machine.start(script.compiled));
    return outcome === 'suspended' ? this.#suspend() : this.#end(outcome);
  }

  kill(): Failure | undefined {
    const running = this.#running;
    if (running === undefined) return new Failure('NOTBUSY No scripts in execution right now.');
    if (running.run.hasWritten) {
      return new Failure(
        'UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait ' +
          'the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.',
      );
    }
    running.isKilled = true;
    return undefined;
  }

  async finish(): Promise<void> {
    const running = this.#running;
    const mustEnd = running !== undefined && (running.run.hasWritten || running.isInExec);
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      if (!mustEnd) {
        resolve();
        return;
      }
      const { timers, log } = this.#host;
      const deadline = timers.after(FINISH_MS, () => {
        const { sha } = running.script;
        log.warn(`script ${sha} does not end: the server stops with a part of what it writes`);
        resolve();
      });
      this.#onIdle = () => {
        deadline.cancel();
        resolve();
      };
    });
    this.#isStopped = true;
  }

  /** The client that commands of a script see, as it is at the beginning of each. */
  #clientFor({ isNeverTouching, tracking }: ClientState): ClientState {
    this.#client.protocol = 2;
    this.#client.isNeverTouching = isNeverTouching;
    // A change by the script counts as one by its caller. The keys that it reads are noted by its run.
    this.#client.tracking = tracking && { ...tracking, isBroadcast: true };
    return this.#client;
  }

  #library() {
    const present = () => this.#running!;
    return {
      log: this.#host.log,
      get protocol(): Protocol {
        return present().run.client.protocol;
      },
      set protocol(protocol: Protocol) {
        present().run.client.protocol = protocol;
      },
      call: (args: readonly Buffer[]) => this.#host.callFromScript(args, present().run),
      isCommand: (args: readonly Buffer[]) => this.#host.isCommand(args),
    };
  }

  #compile(sha: string, body: Buffer): CachedScript | Failure {
    const read = readShebang(body);
    if (read instanceof Failure) return read;
    const compiled = this.#machine.compile(read.text);
    if (typeof compiled === 'string') {
      return new Failure(`ERR Error compiling script (new function): ${compiled}`);
    }
    return { sha, flags: read.flags, compiled, bytes: body.length + SCRIPT_BYTES };
  }

  #drop({ sha, compiled }: CachedScript): void {
    this.#evaluated.delete(sha);
    this.#machine.release(compiled);
  }

  #nowMs(): number {
    return this.#host.clock.monotonicUs() / 1000;
  }

  #judge(canSuspend: boolean): Verdict {
    if (this.#running!.isKilled) return { error: KILLED };
    const spentMs = this.#nowMs() - this.#sliceStartedMs;
    if (spentMs < SLICE_MS) return 'go-on';
    if (canSuspend) return 'suspend';
    const mostMs = this.#host.settings.busyReplyThresholdMs || PINNED_MS_MAX;
    return spentMs > mostMs ? { error: CANNOT_BE_SUSPENDED } : 'go-on';
  }

  /** Runs a step. A fault of ours in it ends the script. */
  #step(step: () => Outcome): Outcome {
    try {
      return step();
    } catch (fault) {
      this.#machine.finish('failed');
      this.#running = undefined;
      throw fault;
    }
  }

  #suspend(): Later {
    this.#running!.isSuspended = true;
    this.#suspension.suspended();
    return new Later((answer) => {
      this.#running!.answer = answer;
      this.#planStep();
      // A script goes on to its end, also when its client has left.
      return () => {};
    });
  }

  #planStep(): void {
    this.#host.timers.endOfTurn(() => {
      if (!this.#isStopped) this.#goOn();
    });
  }

  #goOn(): void {
    const running = this.#running!;
    this.#sliceStartedMs = this.#nowMs();
    const outcome = this.#step(() => this.#machine.step());
    if (outcome !== 'suspended') {
      const reply = this.#end(outcome);
      running.answer(reply);
      if (this.#onIdle === undefined) this.#suspension.released();
      else if (this.#running === undefined) this.#onIdle();
      return;
    }
    this.#planStep();
    const thresholdMs = this.#host.settings.busyReplyThresholdMs;
    const spentMs = this.#nowMs() - running.startedMs;
    if (running.isBusy || thresholdMs === 0 || spentMs < thresholdMs) return;
    running.isBusy = true;
    this.#host.log.warn(
      `script ${running.script.sha} has run for ${Math.round(spentMs)} ms: clients are answered BUSY; SCRIPT KILL ends it`,
    );
    this.#suspension.released();
  }

  #end(outcome: Outcome): Reply {
    const { run, script } = this.#running!;
    const hasEnded = outcome === 'ended';
    const reply = hasEnded ? popReply(this.#machine.result(), run.client.protocol) : this.#failure(script);
    this.#machine.finish(outcome);
    this.#running = undefined;
    return reply;
  }

  #failure({ sha }: CachedScript): Failure {
    const place = this.#machine.failedAt();
    const where = place === undefined ? '' : `, on ${place.source}:${place.line}.`;
    return new Failure(`${errorText(this.#machine.thread)} script: ${sha}${where}`);
  }
}

function shaOf(body: Buffer): string {
  return createHash('sha1').update(body).digest('hex');
}
