/** Pieces that a primary and a replica are both put together from. */
import { createRequire } from 'node:module';
import type { Clock, Random } from './clock.js';
import type { ShardEngine } from './engine/shard-engine.js';
import type { Log } from './replication/log.js';
import { Recorder } from './replication/recorder.js';
import type { InputLimits } from './resp/command-input.js';
import type { ServerFace } from './resp/commands.js';
import { REDIS_VERSION, renderInfo } from './status/info.js';
import { openFileSink } from './transport/file-sink.js';

/** A key or a value: bytes, or text as UTF-8. */
export type Bytes = Uint8Array | string;

/** Frames that may wait for a dump's disk. */
const RECORDER_QUEUE_BYTES = 256 * 1024 * 1024;
/** Room for several of the longest values in one command, as MSET may carry them. */
const VALUES_IN_A_COMMAND = 4;
const QUERY_BUFFER_BYTES_MIN = 64 * 1024 * 1024;

const { version } = createRequire(import.meta.url)('fastcache/package.json') as { version: string };

export function keyBytes(bytes: Bytes): Uint8Array {
  return typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
}

export function randomSeed(random: Random): bigint {
  return (BigInt(random.u32()) << 32n) | BigInt(random.u32());
}

export function inputLimits({ maxValueBytes }: { maxValueBytes: number }): InputLimits {
  const queryBufferBytes = Math.max(QUERY_BUFFER_BYTES_MIN, VALUES_IN_A_COMMAND * maxValueBytes);
  return { queryBufferBytes, maxValueBytes };
}

/** The dump that `record` asks for. Throws WRITE_FAILED when it can't be opened. */
export function openRecorder({ record }: { record: string | undefined }, log: Log): Recorder | undefined {
  if (record === undefined) return undefined;
  return new Recorder({
    sink: openFileSink(record),
    maxQueuedBytes: RECORDER_QUEUE_BYTES,
    onFault: (error) => log.error(error.message),
  });
}

export interface FaceOptions {
  clock: Clock;
  engine(): ShardEngine;
  role: 'master' | 'slave';
  tcpPort(): number;
  clientCount(): number;
  /** INFO replication behind `role`. */
  replication(): Record<string, string | number>;
}

/** What the Redis-protocol commands may know of the server. */
export function serverFace(options: FaceOptions): ServerFace {
  const { clock, engine, role } = options;
  const startedMs = clock.nowMs();
  return {
    version: REDIS_VERSION,
    role: role === 'master' ? 'master' : 'replica',
    nowMs: () => clock.nowMs(),
    keyCount: () => engine().keyCount(),
    info: (sections) => {
      const { kernel } = engine();
      return renderInfo(
        {
          role,
          version,
          uptimeMs: clock.nowMs() - startedMs,
          tcpPort: options.tcpPort(),
          connectedClients: options.clientCount(),
          usedMemoryBytes: engine().memory().allocated,
          keys: engine().keyCount(),
          expiringKeys: engine().expiringKeyCount(),
          commandsProcessed: kernel.exports.processedCommands(),
          expiredKeys: kernel.exports.expiredCount(),
          replication: options.replication(),
        },
        sections,
      );
    },
  };
}
