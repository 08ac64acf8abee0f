/** The kernel's counts: how often and how long it has run each of its commands, and INFO's totals. */
import type { ShardEngine } from '../engine/shard-engine.js';
import * as layout from '../kernel/layout.js';
import type { CommandCounts, KernelTotals } from './command-statistics.js';
import type { LatencyRow } from './latencies.js';

/** Names of the kernel's commands, in the order of layout.ts. */
const names: Readonly<Record<number, string>> = {
  [layout.COMMAND_GET]: 'get',
  [layout.COMMAND_SET]: 'set',
  [layout.COMMAND_DEL]: 'del',
  [layout.COMMAND_TTL]: 'ttl',
  [layout.COMMAND_MGET]: 'mget',
  [layout.COMMAND_MSET]: 'mset',
  [layout.COMMAND_INCR]: 'incr',
  [layout.COMMAND_DECR]: 'decr',
  [layout.COMMAND_PTTL]: 'pttl',
  [layout.COMMAND_EXISTS]: 'exists',
  [layout.COMMAND_STRLEN]: 'strlen',
  [layout.COMMAND_INCRBY]: 'incrby',
  [layout.COMMAND_DECRBY]: 'decrby',
  [layout.COMMAND_APPEND]: 'append',
  [layout.COMMAND_EXPIRE]: 'expire',
  [layout.COMMAND_PEXPIRE]: 'pexpire',
  [layout.COMMAND_PERSIST]: 'persist',
  [layout.COMMAND_EXPIREAT]: 'expireat',
  [layout.COMMAND_PEXPIREAT]: 'pexpireat',
  [layout.COMMAND_UNLINK]: 'unlink',
  [layout.COMMAND_TOUCH]: 'touch',
};

const commands = Object.entries(names).map(([command, name]) => ({ command: Number(command), name }));

/** The name of a kernel command by its number; undefined for NO_COMMAND. */
export function kernelCommandName(command: number): string | undefined {
  return names[command];
}

/** The kernel's counts of each command that it runs. */
export function kernelCounts({ kernel }: ShardEngine): CommandCounts[] {
  const { exports } = kernel;
  return commands.map(({ command, name }) => {
    const failed = exports.callsOf(command, layout.ENDED_FAILED);
    return {
      name,
      calls: exports.callsOf(command, layout.ENDED_WELL) + failed,
      failed,
      rejected: exports.callsOf(command, layout.ENDED_REJECTED),
    };
  });
}

/** How long the kernel's commands took. */
export function kernelLatencies({ kernel }: ShardEngine): LatencyRow[] {
  return commands.map(({ command, name }) => ({
    name,
    counts: Float64Array.from({ length: layout.LATENCY_BUCKETS }, (_, bucket) =>
      kernel.exports.latencyOf(command, bucket),
    ),
  }));
}

/** The kernel's totals; `microseconds` is what its runs have taken (command-window.ts). */
export function kernelTotals({ kernel }: ShardEngine, microseconds: number): KernelTotals {
  const { exports } = kernel;
  return {
    microseconds,
    keyspaceHits: exports.keyspaceHits(),
    keyspaceMisses: exports.keyspaceMisses(),
    expiredKeys: exports.expiredCount(),
    evictedKeys: exports.evictedCount(),
    memoryRefusals: exports.memoryRefusals(),
    replicaRefusals: exports.replicaRefusals(),
  };
}
