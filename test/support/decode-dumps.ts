/** Runs `frames decode` in this process, and makes records for dumps to decode. */
import { Writable } from 'node:stream';
import { xxh3 } from '@node-rs/xxhash';
import { type DecodeInvocation, runDecode } from '../../src/cli/frames/decode.js';
import { runStats } from '../../src/cli/frames/stats.js';
import { Output } from '../../src/cli/terminal/output.js';
import { FrameFilter } from '../../src/dump/choose/filter.js';
import type { FastcacheError } from '../../src/errors.js';
import type { MutationRecord } from '../../src/frame/batch.js';
import { MAX_FRAME_PAYLOAD_BYTES } from '../../src/limits.js';

type DecodeOptions = Partial<Omit<DecodeInvocation, 'shows'>> & {
  shows?: DecodeInvocation['shows'] | 'stats';
};

/** The command's defaults, but for `options`. */
export async function decodeWith({ shows = 'items', ...options }: DecodeOptions, ...files: string[]) {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      // As a file or a pipe does: bytes that were written are their writer's again.
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  const faults: FastcacheError[] = [];
  const invocation = {
    files,
    format: 'ndjson' as const,
    values: 'text' as const,
    filter: new FrameFilter(),
    limit: Number.POSITIVE_INFINITY,
    maxPayloadBytes: MAX_FRAME_PAYLOAD_BYTES,
    clock: { nowMs: () => 1_800_000_000_000, monotonicUs: () => 0 },
    terminal: { isTTY: false } as NodeJS.WriteStream,
    output: new Output(stream),
    note() {},
    report: async (fault: FastcacheError) => {
      faults.push(fault);
      return fault.exitCode;
    },
    ...options,
  };
  const status = await (shows === 'stats' ? runStats(invocation) : runDecode({ ...invocation, shows }));
  const bytes = Buffer.concat(chunks);
  return { bytes, text: bytes.toString(), status, faults };
}

export type DecodedLine = Record<string, unknown>;

/** The objects of NDJSON. */
export function parseLines(text: string): DecodedLine[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

/** A set, its key hash right. */
export function setRecord(fields: Partial<MutationRecord>): MutationRecord {
  const key = fields.key ?? Buffer.from('k');
  return {
    shard: 0,
    sequence: 1n,
    timestampMs: 1_760_000_000_000n,
    op: 'set',
    keyHash: xxh3.xxh64(key),
    expireAtMs: null,
    key,
    value: Buffer.from('v'),
    ...fields,
  };
}
