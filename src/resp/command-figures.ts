/** The figures of a server's commands, for readers outside of it. */
import type { CommandStatistics } from './command-statistics.js';
import { commandTable } from './commands/index.js';
import type { Slowlog, SlowlogEntry } from './slowlog.js';

/** Counts since the start or CONFIG RESETSTAT, and the commands that took long. */
export interface CommandFigures {
  /** Calls of commands that read keys, of those that write them, and of all. */
  readonly reads: number;
  readonly writes: number;
  readonly commands: number;
  /** Keys that were read, and that were there or not. */
  readonly hits: number;
  readonly misses: number;
  /** The newest first. */
  readonly slow: readonly SlowlogEntry[];
}

/** The use that a command makes of keys. */
type KeyUse = 'reads' | 'writes' | 'neither';

/** That of the commands that were asked about: their flags never change. */
const keyUses = new Map<string, KeyUse>();

/** Adds up the figures, with `slowCount` of the slow commands at most. */
export function commandFigures(
  statistics: CommandStatistics,
  slowlog: Slowlog,
  slowCount: number,
): CommandFigures {
  const sums = { reads: 0, writes: 0, neither: 0 };
  statistics.eachCalled((name, calls) => {
    if (calls > 0) sums[keyUseOf(name)] += calls;
  });
  const { reads, writes, neither } = sums;
  const hits = statistics.total('keyspaceHits') ?? 0;
  const misses = statistics.total('keyspaceMisses') ?? 0;
  const commands = reads + writes + neither;
  return { reads, writes, commands, hits, misses, slow: slowlog.latest(slowCount) };
}

function keyUseOf(name: string): KeyUse {
  let use = keyUses.get(name);
  if (use === undefined) {
    const flags = commandTable.named(Buffer.from(name))?.command.flags ?? [];
    use = flags.includes('write') ? 'writes' : flags.includes('readonly') ? 'reads' : 'neither';
    keyUses.set(name, use);
  }
  return use;
}
