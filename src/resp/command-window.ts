/**
 * Where clients' bytes meet the kernel: the shared input window, the output buffer, and the loop that runs a pipeline to
 * its end, handing out what is not the kernel's. One for each store, shared by all its clients, for a run never waits.
 */
import { outOfMemory } from '../engine/kernel.js';
import { KernelBuffer } from '../engine/kernel-buffer.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import { FastcacheError } from '../errors.js';
import * as layout from '../kernel/layout.js';
import { encodeCommand, splitInline } from './inline.js';
import { errorReply } from './replies.js';

export interface CommandSink {
  /** The next part of the replies, own memory. False: enough has gathered for now, stop after this. */
  reply(bytes: Buffer): boolean;
  /** A command that is not the kernel's; its reply is the return value, undefined when the client goes. */
  command(args: Buffer[]): Buffer | undefined;
  /** The client broke the protocol: `bytes` are its last reply. */
  fail(bytes: Buffer): void;
}

/** What a run left over; own memory. */
export interface Rest {
  bytes: Buffer;
  /** True: these are commands that wait until the client has taken its replies. False: the start of a command. */
  waits: boolean;
  /** Least length that the command can have, and where to go on looking for its end (long-command.ts). */
  need: number;
  resumeAt: number;
  resumeArgs: number;
}

const protocolErrors: Record<number, string> = {
  [layout.PROTOCOL_MULTIBULK_LENGTH]: 'invalid multibulk length',
  [layout.PROTOCOL_BULK_LENGTH]: 'invalid bulk length',
  [layout.PROTOCOL_INLINE_TOO_BIG]: 'too big inline request',
};

/** A longer reply than this is refused: it would have to stand in memory twice. */
const REPLY_MAX_BYTES = 1024 * 1024 * 1024;
/** What fits behind a reply that the kernel asked room for. */
const OUTPUT_SPARE_BYTES = 1024;

export class CommandWindow {
  readonly engine: ShardEngine;
  readonly #window: KernelBuffer;
  readonly #output: KernelBuffer;

  constructor(engine: ShardEngine) {
    this.engine = engine;
    this.#window = new KernelBuffer(engine.kernel, layout.INPUT_WINDOW_BYTES);
    this.#output = new KernelBuffer(engine.kernel, layout.OUTPUT_BYTES);
    this.#output.reserve(layout.OUTPUT_BYTES);
  }

  /** Runs what stands in `parts`, one behind the other; what is left when it is not all. */
  run(parts: Buffer[], sink: CommandSink): Rest | undefined {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const isLong = length > layout.INPUT_WINDOW_BYTES;
    const input = isLong ? new KernelBuffer(this.engine.kernel, 0) : this.#window;
    this.engine.updateTime();
    try {
      return this.#runAt(input.fill(...parts), length, sink);
    } catch (error) {
      if (!(error instanceof FastcacheError) || error.code !== 'OUT_OF_MEMORY') throw error;
      sink.fail(errorReply("OOM command not allowed when used memory > 'maxmemory'."));
      return undefined;
    } finally {
      if (isLong) input.free();
    }
  }

  #runAt(address: number, length: number, sink: CommandSink): Rest | undefined {
    const { kernel } = this.engine;
    let output = this.#output;
    let at = 0;
    for (;;) {
      const status = kernel.exports.execute(address + at, length - at, output.address, output.capacity);
      const { result } = kernel;
      const consumed = result[layout.RESULT_CONSUMED]!;
      const replied = result[layout.RESULT_OUTPUT]!;
      const need = result[layout.RESULT_NEED]!;
      const resumeAt = result[layout.RESULT_RESUME_AT]!;
      const resumeArgs = result[layout.RESULT_RESUME_ARGS]!;
      at += consumed;
      let goesOn = true;
      if (replied > 0) {
        const from = output.address;
        goesOn = sink.reply(Buffer.from(kernel.bytes.subarray(from, from + replied)));
      }
      if (output !== this.#output) {
        output.free();
        output = this.#output;
      }
      switch (status) {
        case layout.STATUS_DONE:
          return undefined;
        case layout.STATUS_INCOMPLETE:
          return { bytes: this.#copy(address + at, length - at), waits: false, need, resumeAt, resumeArgs };
        case layout.STATUS_HANDED_OUT: {
          const reply = sink.command(this.#arguments());
          if (reply === undefined) return undefined;
          goesOn = sink.reply(reply) && goesOn;
          break;
        }
        case layout.STATUS_INLINE: {
          const words = splitInline(this.#arguments()[0]!);
          if (words === undefined) {
            sink.fail(errorReply('ERR Protocol error: unbalanced quotes in request'));
            return undefined;
          }
          if (words.length > 0 && !this.#runInline(words, sink)) return undefined;
          break;
        }
        case layout.STATUS_OUTPUT_FULL:
          if (replied === 0) output = this.#largerOutput(need);
          break;
        default:
          sink.fail(errorReply(`ERR Protocol error: ${this.#protocolError()}`));
          return undefined;
      }
      if (!goesOn && at < length) {
        if (output !== this.#output) output.free();
        const bytes = this.#copy(address + at, length - at);
        return { bytes, waits: true, need: 0, resumeAt: 0, resumeArgs: 0 };
      }
    }
  }

  /** An inline command takes the way of all others, from memory of its own. False: the client has gone. */
  #runInline(words: Buffer[], sink: CommandSink): boolean {
    const input = new KernelBuffer(this.engine.kernel, 0);
    const command = encodeCommand(words);
    let stays = true;
    try {
      this.#runAt(input.fill(command), command.length, {
        reply: (bytes) => sink.reply(bytes) || true,
        command: (args) => {
          const reply = sink.command(args);
          stays = reply !== undefined;
          return reply;
        },
        fail: (bytes) => {
          stays = false;
          sink.fail(bytes);
        },
      });
      return stays;
    } finally {
      input.free();
    }
  }

  #largerOutput(need: number): KernelBuffer {
    if (need > REPLY_MAX_BYTES) throw outOfMemory(need);
    const output = new KernelBuffer(this.engine.kernel, 0);
    output.reserve(need + OUTPUT_SPARE_BYTES);
    return output;
  }

  #arguments(): Buffer[] {
    const { kernel } = this.engine;
    const { bytes, result } = kernel;
    const argc = result[layout.RESULT_ARGC]!;
    const table = result[layout.RESULT_ARGV]!;
    return Array.from({ length: argc }, (_, index) => {
      const entry = table + index * 8;
      return this.#copy(bytes.readUInt32LE(entry), bytes.readUInt32LE(entry + 4));
    });
  }

  #copy(from: number, length: number): Buffer {
    return Buffer.from(this.engine.kernel.bytes.subarray(from, from + length));
  }

  #protocolError(): string {
    const { kernel } = this.engine;
    const detail = kernel.result[layout.RESULT_DETAIL]!;
    const found = Number(kernel.resultU64(layout.RESULT_FOUND_U64));
    return protocolErrors[detail] ?? `expected '$', got '${String.fromCharCode(found)}'`;
  }
}
