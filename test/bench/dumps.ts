/**
 * The frames toolkit on a dump of five million records with 64-byte values, plain and with zstd, each command
 * as a process of its own. The cost of zstd is set beside `zstd -d` of the same zstd frames, one behind the
 * other in a file.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.js';
import { encodeFrame } from '../../src/frame/frame.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { FRAME_HEADER_BYTES } from '../../src/limits.js';
import { CommandWindow } from '../../src/resp/command-window.js';
import { repositoryRoot } from '../support/processes.js';
import { engine, PIPELINE, pipelines, SINK } from './kernel.js';
import { median } from './statistics.js';

export interface DumpFigure {
  command: string;
  dump: 'plain' | 'zstd';
  seconds: number;
  recordsPerSecond: number;
  /** Of the dump uncompressed. */
  megabytesPerSecond: number;
  /**
   * The time of `zstd -d` as a part of the command's time per byte, which is without its start; median of the
   * rounds. Null for a plain dump, and without zstd.
   */
  zstdShare: number | null;
}

const RECORDS = 5_000_000;
const KEYS = 1_000_000;
const VALUE_BYTES = 64;
const SMALLEST_DUMP = 'fixtures/golden/ack.fcrp';
const COMMANDS = ['verify', 'stats', 'decode --format ndjson'];

export function benchDumps({ rounds, scale }: { rounds: number; scale: number }): DumpFigure[] {
  const directory = mkdtempSync(join(tmpdir(), 'fastcache-bench-'));
  try {
    const dumps = writeDumps(directory, Math.round(RECORDS * scale), Math.round(KEYS * scale));
    const hasZstd = spawnSync('zstd', ['--version']).error === undefined;
    const runs = COMMANDS.flatMap((command) =>
      (['plain', 'zstd'] as const).map((dump) => ({
        command,
        dump,
        samples: [] as number[],
        shares: [] as number[],
      })),
    );
    for (let round = 0; round < rounds; round++) {
      const startSeconds = secondsOf(process.execPath, ['bin/run.js', 'frames', 'verify', SMALLEST_DUMP]);
      const zstdSeconds = hasZstd ? secondsOf('zstd', ['-d', '-c', '-q', dumps.zstdFrames]) : null;
      for (const { command, dump, samples, shares } of runs) {
        const args = ['bin/run.js', 'frames', ...command.split(' '), dumps[dump]];
        const seconds = secondsOf(process.execPath, args);
        samples.push(seconds);
        if (dump === 'zstd' && zstdSeconds !== null) shares.push(zstdSeconds / (seconds - startSeconds));
      }
    }
    return runs.map(({ command, dump, samples, shares }) => {
      const seconds = median(samples);
      return {
        command,
        dump,
        seconds,
        recordsPerSecond: dumps.records / seconds,
        megabytesPerSecond: dumps.plainBytes / seconds / 1e6,
        zstdShare: shares.length === 0 ? null : median(shares),
      };
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/**
 * Writes the frames that a primary of four shards publishes: SETs of random values to keys that come again
 * and again.
 */
export function writeDumps(directory: string, records: number, keys: number) {
  const paths = {
    plain: join(directory, 'plain.fcrp'),
    zstd: join(directory, 'zstd.fcrp'),
    zstdFrames: join(directory, 'frames.zst'),
  };
  const plain = openSync(paths.plain, 'w');
  const zstd = openSync(paths.zstd, 'w');
  const zstdFrames = openSync(paths.zstdFrames, 'w');
  const primary = engine();
  primary.onBatch = ({ payload }) => {
    writeSync(plain, encodeFrame(FrameKind.MutationBatch, payload));
    const compressed = encodeFrame(FrameKind.MutationBatch, payload, { compression: 'zstd' });
    writeSync(zstd, compressed);
    writeSync(zstdFrames, compressed, FRAME_HEADER_BYTES);
  };
  const window = new CommandWindow(primary, systemClock);
  const value = randomTexts();
  for (let from = 0; from < records; from += PIPELINE) {
    const names = Array.from(
      { length: Math.min(PIPELINE, records - from) },
      (_, i) => `key:${String(((from + i) * 7919) % keys).padStart(12, '0')}`,
    );
    for (const input of pipelines(names, (key) => ['SET', key, value()])) window.run([input], SINK);
  }
  primary.flush();
  for (const file of [plain, zstd, zstdFrames]) closeSync(file);
  return { ...paths, records, plainBytes: statSync(paths.plain).size };
}

/**
 * Letters and digits, the same in every run; drawing them for each value would take longer than all else
 * here.
 */
function randomTexts(): () => string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  let state = 1;
  const draw = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  };
  const text = Array.from({ length: 4_194_304 }, () => alphabet[draw() >>> 26]).join('');
  return () => {
    const start = draw() >>> 10;
    return text.slice(start, start + VALUE_BYTES).padEnd(VALUE_BYTES, 'x');
  };
}

function secondsOf(program: string, args: string[]): number {
  const begun = performance.now();
  execFileSync(program, args, { cwd: repositoryRoot, stdio: ['ignore', 'ignore', 'inherit'] });
  return (performance.now() - begun) / 1000;
}
