/** Feeds pipelines to a kernel's `execute` and gathers the replies, without the server around it. */
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import * as layout from '../../src/kernel/layout.js';

export interface Run {
  replies: Buffer;
  /** One of STATUS_*, why it stopped; STATUS_OUTPUT_FULL never, for the output grows. */
  status: number;
  /** Bytes of the input that were executed. */
  consumed: number;
  /** Of a protocol error: one of PROTOCOL_*. */
  detail: number;
  /** Of an incomplete command: the least length that it can have. */
  need: number;
  /** Of a command that is handed out. */
  args: Buffer[];
}

const INPUT_BYTES = 18 * 1024 * 1024;

export class RespDriver {
  readonly #engine: ShardEngine;
  readonly #input: number;
  #output: number;
  #outputBytes = layout.OUTPUT_BYTES;

  constructor(engine: ShardEngine) {
    this.#engine = engine;
    this.#input = engine.kernel.allocate(INPUT_BYTES + layout.INPUT_SLACK_BYTES);
    this.#output = engine.kernel.allocate(this.#outputBytes);
  }

  /** Bytes of kernel memory that are this driver's own. */
  get bytes(): number {
    return INPUT_BYTES + layout.INPUT_SLACK_BYTES + this.#outputBytes;
  }

  /** Executes up to the input's end or the first command that is not the kernel's. */
  run(input: Uint8Array): Run {
    const { kernel } = this.#engine;
    this.#engine.updateTime();
    kernel.bytes.set(input, this.#input);
    const replies: Buffer[] = [];
    let at = 0;
    for (;;) {
      const status = kernel.exports.execute(
        this.#input + at,
        input.length - at,
        this.#output,
        this.#outputBytes,
      );
      const { result } = kernel;
      const replied = result[layout.RESULT_OUTPUT]!;
      replies.push(Buffer.from(kernel.bytes.subarray(this.#output, this.#output + replied)));
      at += result[layout.RESULT_CONSUMED]!;
      if (status !== layout.STATUS_OUTPUT_FULL) {
        return {
          replies: Buffer.concat(replies),
          status,
          consumed: at,
          detail: result[layout.RESULT_DETAIL]!,
          need: result[layout.RESULT_NEED]!,
          args: this.#arguments(status),
        };
      }
      if (replied === 0) this.#growOutput(result[layout.RESULT_NEED]!);
    }
  }

  #growOutput(need: number): void {
    const { kernel } = this.#engine;
    kernel.exports.release(this.#output);
    this.#outputBytes = need + 4096;
    this.#output = kernel.allocate(this.#outputBytes);
  }

  #arguments(status: number): Buffer[] {
    if (status !== layout.STATUS_HANDED_OUT && status !== layout.STATUS_INLINE) return [];
    const { bytes, result } = this.#engine.kernel;
    const table = result[layout.RESULT_ARGV]!;
    return Array.from({ length: result[layout.RESULT_ARGC]! }, (_, index) => {
      const from = bytes.readUInt32LE(table + index * 8);
      return Buffer.from(bytes.subarray(from, from + bytes.readUInt32LE(table + index * 8 + 4)));
    });
  }
}

/** A command as clients send it. */
export function command(...args: (string | Buffer)[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) {
    const bytes = typeof arg === 'string' ? Buffer.from(arg) : arg;
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}
