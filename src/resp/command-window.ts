/**
 * Where clients' bytes meet the kernel: the shared input window, the output buffer, and the loop that runs a
 * pipeline to its end and hands out the commands that the kernel does not run. There is one for each store,
 * shared by all its clients, for a run never waits.
 */
import type { Clock } from '../clock.js';
import { outOfMemory } from '../engine/kernel.js';
import { KernelBuffer } from '../engine/kernel-buffer.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import { FastcacheError } from '../errors.js';
import * as layout from '../kernel/layout.js';
import { wordOf } from './arguments.js';
import { OUT_OF_MEMORY } from './command.js';
import { encodeCommand, splitInline } from './inline.js';
import { kernelCommandName } from './kernel-counts.js';
import { latencyBucket } from './latencies.js';
import { errorBytes, REPLY_BYTES_MAX } from './reply.js';

/**
 * The fate of the commands behind one that was handed out: they follow, wait for `resume`, or are dropped.
 */
export type Onward = 'next' | 'wait' | 'drop';

/** The client whose commands a run takes, and to which it gives replies and commands. */
export interface CommandSink {
  /** How the kernel is to run the next command: MODE_* of layout.ts. */
  readonly mode: number;
  /**
   * Takes the next part of the replies, in memory of its own; returns false to stop the run after this part.
   */
  reply(bytes: Buffer): boolean;
  /** Notes the last of the commands that have just run in the kernel. */
  ran(name: string): void;
  /** The command that was replied to last may have changed a key that the client itself tracks. */
  changedOwn(): void;
  /** Handles a command that the kernel does not run. */
  command(args: Buffer[]): Onward;
  /** Takes the last reply, `bytes`, of a client that broke the protocol. */
  fail(bytes: Buffer): void;
}

/** The commands that a run left over, in memory of their own. */
export interface Rest {
  bytes: Buffer;
  /** True: the bytes are commands that wait until `resume`. False: they are the start of a command. */
  waits: boolean;
  /**
   * The least length that the command can have, and where to continue looking for its end (long-command.ts).
   */
  need: number;
  resumeAt: number;
  resumeArgs: number;
}

const protocolErrors: Record<number, string> = {
  [layout.PROTOCOL_MULTIBULK_LENGTH]: 'invalid multibulk length',
  [layout.PROTOCOL_BULK_LENGTH]: 'invalid bulk length',
  [layout.PROTOCOL_INLINE_TOO_BIG]: 'too big inline request',
  [layout.PROTOCOL_UNAUTHENTICATED_MULTIBULK]: 'unauthenticated multibulk length',
  [layout.PROTOCOL_UNAUTHENTICATED_BULK]: 'unauthenticated bulk length',
};

/** Microseconds of commands that were handed out after which other clients have their turn. */
const RUN_US_MAX = 10_000;
/** Bytes of room beyond those that the kernel asked for a reply. */
const OUTPUT_SPARE_BYTES = 1024;
/** Bytes of input room, enough for most commands that are run one at a time. */
const SINGLE_BYTES = 64 * 1024;

/** Keyspace events that the runs lead to. */
export interface PendingEvents {
  readonly isPending: boolean;
  deliver(): void;
}

const NO_ARGUMENTS: Buffer[] = [];
const NO_EVENTS: PendingEvents = { isPending: false, deliver: () => {} };

/** The kernel's window for clients' commands. */
export class CommandWindow {
  readonly engine: ShardEngine;
  readonly #window: KernelBuffer;
  readonly #output: KernelBuffer;
  /** Input of a command that is run by itself, while the window contains the pipeline that it came in. */
  readonly #single: KernelBuffer;
  readonly #clock: Clock;
  readonly #timing: { readonly tracksLatency: boolean };
  readonly #events: PendingEvents;
  #spentUs = 0;

  /**
   * `timing` says whether the latencies of commands are counted; without it none are. `events` are those of
   * the store's keys, which are published between runs.
   */
  constructor(
    engine: ShardEngine,
    clock: Clock,
    timing = { tracksLatency: false },
    events: PendingEvents = NO_EVENTS,
  ) {
    this.engine = engine;
    this.#clock = clock;
    this.#timing = timing;
    this.#events = events;
    this.#window = new KernelBuffer(engine.kernel, layout.INPUT_WINDOW_BYTES);
    this.#single = new KernelBuffer(engine.kernel, SINGLE_BYTES);
    this.#output = new KernelBuffer(engine.kernel, layout.OUTPUT_BYTES);
    this.#output.reserve(layout.OUTPUT_BYTES);
  }

  /** Microseconds that the kernel has taken to run commands, in all. */
  get spentUs(): number {
    return this.#spentUs;
  }

  /** Runs the commands in `parts`, one behind the other; returns what is left when not all ran. */
  run(parts: Buffer[], sink: CommandSink): Rest | undefined {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const isLong = length > layout.INPUT_WINDOW_BYTES;
    const input = isLong ? new KernelBuffer(this.engine.kernel, 0) : this.#window;
    this.engine.updateTime();
    try {
      return this.#runAt(input.fill(...parts), length, sink);
    } catch (error) {
      if (!(error instanceof FastcacheError) || error.code !== 'OUT_OF_MEMORY') throw error;
      sink.fail(errorBytes(OUT_OF_MEMORY.text));
      return undefined;
    } finally {
      if (isLong) input.free();
    }
  }

  /**
   * Runs one command in the kernel; returns its reply, or undefined when the kernel does not run it. Throws
   * OUT_OF_MEMORY.
   */
  runSingle(args: readonly Uint8Array[], mode: number): Buffer | undefined {
    const { kernel } = this.engine;
    const command = encodeCommand(args);
    const address = this.#single.fill(command);
    let output = this.#output;
    try {
      kernel.exports.setMode(mode & ~layout.MODE_OWN_CHANGES);
      for (;;) {
        const status = this.#execute(address, command.length, output);
        if (status === layout.STATUS_DONE) {
          return this.#copy(output.address, kernel.result[layout.RESULT_OUTPUT]!);
        }
        if (status === layout.STATUS_HANDED_OUT) return undefined;
        // An inline command's argument may be longer than a RESP array may announce.
        if (status !== layout.STATUS_OUTPUT_FULL) return this.#protocolError();
        if (output !== this.#output) output.free();
        output = this.#largerOutput(kernel.result[layout.RESULT_NEED]!);
      }
    } finally {
      if (output !== this.#output) output.free();
      this.#single.trim();
    }
  }

  #runAt(address: number, length: number, sink: CommandSink): Rest | undefined {
    const { kernel } = this.engine;
    const startedUs = this.#clock.monotonicUs();
    const emittedBefore = kernel.exports.emittedBytes();
    let output = this.#output;
    let at = 0;
    for (;;) {
      kernel.exports.setMode(sink.mode);
      const status = this.#execute(address + at, length - at, output);
      const { result } = kernel;
      const consumed = result[layout.RESULT_CONSUMED]!;
      const replied = result[layout.RESULT_OUTPUT]!;
      const need = result[layout.RESULT_NEED]!;
      const resumeAt = result[layout.RESULT_RESUME_AT]!;
      const resumeArgs = result[layout.RESULT_RESUME_ARGS]!;
      const ran = kernelCommandName(result[layout.RESULT_COMMAND]!);
      if (ran !== undefined) sink.ran(ran);
      at += consumed;
      let onward: Onward = 'next';
      if (replied > 0 && !sink.reply(this.#copy(output.address, replied))) onward = 'wait';
      if (output !== this.#output) {
        output.free();
        output = this.#output;
      }
      const isHandedOut = status === layout.STATUS_HANDED_OUT || status === layout.STATUS_INLINE;
      // The kernel's arguments are read before events are delivered, because a delivery may use the kernel.
      const args = isHandedOut ? this.#arguments() : NO_ARGUMENTS;
      if (this.#events.isPending) this.#events.deliver();
      switch (status) {
        case layout.STATUS_DONE:
          return undefined;
        case layout.STATUS_INCOMPLETE:
          return { bytes: this.#copy(address + at, length - at), waits: false, need, resumeAt, resumeArgs };
        case layout.STATUS_HANDED_OUT:
          onward = later(onward, sink.command(args));
          if (onward === 'next' && this.#isTurnOver(startedUs, emittedBefore)) onward = 'wait';
          break;
        case layout.STATUS_INLINE:
          onward = later(onward, this.#runInline(args[0]!, sink));
          break;
        case layout.STATUS_OUTPUT_FULL:
          if (replied === 0) output = this.#largerOutput(need);
          break;
        case layout.STATUS_OWN_CHANGE:
          sink.changedOwn();
          break;
        case layout.STATUS_EMITTED_MUCH:
          onward = later('wait', onward);
          break;
        default:
          sink.fail(this.#protocolError());
          return undefined;
      }
      if (onward === 'drop') return undefined;
      if (onward === 'wait') {
        if (output !== this.#output) output.free();
        const bytes = this.#copy(address + at, length - at);
        return { bytes, waits: true, need: 0, resumeAt: 0, resumeArgs: 0 };
      }
    }
  }

  /** Whether a run that began so has had its turn: it has taken some time, or emitted much. */
  #isTurnOver(startedUs: number, emittedBefore: number): boolean {
    const emittedBytes = this.engine.kernel.exports.emittedBytes() - emittedBefore;
    return this.#clock.monotonicUs() - startedUs > RUN_US_MAX || emittedBytes >= layout.RUN_EMITTED_BYTES_MAX;
  }

  #execute(address: number, length: number, output: KernelBuffer): number {
    const startedUs = this.#clock.monotonicUs();
    const status = this.engine.kernel.exports.execute(address, length, output.address, output.capacity);
    const tookUs = this.#clock.monotonicUs() - startedUs;
    this.#spentUs += tookUs;
    if (this.#timing.tracksLatency) this.#noteLatency(tookUs);
    return status;
  }

  /** Leaves out of the latencies what has run untimed. */
  forgetUntimed(): void {
    const { exports } = this.engine.kernel;
    exports.ranSinceNote();
    exports.noteLatency(layout.LATENCY_BUCKETS);
  }

  /** Has each command of a run counted with the run's mean: one is not timed singly. */
  #noteLatency(tookUs: number): void {
    const { exports, result } = this.engine.kernel;
    if (result[layout.RESULT_COMMAND] === layout.NO_COMMAND) return;
    const commands = exports.ranSinceNote();
    if (commands > 0) exports.noteLatency(latencyBucket(tookUs / commands));
  }

  /** A line of words is run as the command that it spells. */
  #runInline(line: Buffer, sink: CommandSink): Onward {
    const words = splitInline(line);
    if (words === undefined) {
      sink.fail(errorBytes('ERR Protocol error: unbalanced quotes in request'));
      return 'drop';
    }
    if (words.length === 0) return 'next';
    const reply = this.runSingle(words, sink.mode);
    if (reply === undefined) return sink.command(words);
    sink.ran(wordOf(words, 0));
    const onward = sink.reply(reply) ? 'next' : 'wait';
    sink.changedOwn();
    return onward;
  }

  #largerOutput(need: number): KernelBuffer {
    if (need > REPLY_BYTES_MAX) throw outOfMemory(need);
    const output = new KernelBuffer(this.engine.kernel, 0);
    output.reserve(need + OUTPUT_SPARE_BYTES);
    return output;
  }

  #arguments(): Buffer[] {
    const { kernel } = this.engine;
    const { bytes, result } = kernel;
    const argc = result[layout.RESULT_ARGC]!;
    const table = result[layout.RESULT_ARGV]!;
    const args: Buffer[] = [];
    for (let entry = table; entry < table + argc * 8; entry += 8) {
      args.push(this.#copy(bytes.readUInt32LE(entry), bytes.readUInt32LE(entry + 4)));
    }
    return args;
  }

  #copy(from: number, length: number): Buffer {
    const copy = Buffer.allocUnsafe(length);
    copy.set(this.engine.kernel.bytes.subarray(from, from + length));
    return copy;
  }

  #protocolError(): Buffer {
    const { kernel } = this.engine;
    const detail = kernel.result[layout.RESULT_DETAIL]!;
    const found = Number(kernel.resultU64(layout.RESULT_FOUND_U64));
    const text = protocolErrors[detail] ?? `expected '$', got '${String.fromCharCode(found)}'`;
    return errorBytes(`ERR Protocol error: ${text}`);
  }
}

/** The later decision counts, unless it is to continue: a stop is never taken back. */
function later(before: Onward, now: Onward): Onward {
  return now === 'next' ? before : now;
}
