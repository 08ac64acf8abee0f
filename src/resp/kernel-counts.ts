/** How often the kernel has run each of its commands, by name and by how they ended. */
import type { ShardEngine } from '../engine/shard-engine.js';
import * as layout from '../kernel/layout.js';

export interface KernelCount {
  name: string;
  /** Run, those that failed included. */
  calls: number;
  failed: number;
  rejected: number;
}

/** In the order of layout.ts. */
const names: Record<number, string> = {
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
};

export function kernelCounts({ kernel }: ShardEngine): KernelCount[] {
  return Object.entries(names).map(([command, name]) => {
    const callsOf = (end: number) => kernel.exports.callsOf(Number(command), end);
    const failed = callsOf(layout.ENDED_FAILED);
    return {
      name,
      calls: callsOf(layout.ENDED_WELL) + failed,
      failed,
      rejected: callsOf(layout.ENDED_REJECTED),
    };
  });
}
