/** What the commands of a server have come to, for those who look at it from elsewhere. */
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

/** Adds up the figures, with `slowCount` of the slow commands at most. */
export function commandFigures(
  statistics: CommandStatistics,
  slowlog: Slowlog,
  slowCount: number,
): CommandFigures {
  let [reads, writes, commands] = [0, 0, 0];
  for (const { name, calls } of statistics.rows()) {
    const flags = commandTable.named(Buffer.from(name))?.command.flags ?? [];
    commands += calls;
    if (flags.includes('write')) writes += calls;
    else if (flags.includes('readonly')) reads += calls;
  }
  const hits = statistics.total('keyspaceHits') ?? 0;
  const misses = statistics.total('keyspaceMisses') ?? 0;
  return { reads, writes, commands, hits, misses, slow: slowlog.latest(slowCount) };
}
