/** The metrics of how long things take. */
import { LATENCY_BUCKETS } from '../../kernel/layout.js';
import { type CommandClass, commandClass, commandClasses } from '../../resp/command-class.js';
import { commandTable } from '../../resp/commands/index.js';
import { addCounts, type LatencyCounts, type LatencyRow } from '../../resp/latencies.js';
import type { Durations, HistogramFamily } from './metric-family.js';

/** The metrics of durations, in the order of the scrape. */
export const durationFamilies: readonly HistogramFamily[] = [
  {
    name: 'fastcache_command_duration_seconds',
    type: 'histogram',
    help: 'The time that commands ran, by class: as LATENCY HISTOGRAM counts them, while latency-tracking is on. A command that the kernel runs in place counts with the mean of its run. The sum is that of the middles of the buckets.',
    labels: ['class'],
    read: ({ status: { latencyRows } }) => (latencyRows === undefined ? [] : byClass(latencyRows())),
  },
  {
    name: 'fastcache_event_loop_delay_seconds',
    type: 'histogram',
    help: 'The delay with which the event loop ran a timer, ten times a second: a command that came meanwhile waited as long.',
    read: ({ loopDelays }) => [{ labels: {}, counts: loopDelays }],
  },
];

/** Adds up the latencies of the commands of each class. */
function byClass(rows: readonly LatencyRow[]): Durations[] {
  const classes = new Map<CommandClass, LatencyCounts>(
    commandClasses.map((name) => [name, new Float64Array(LATENCY_BUCKETS)]),
  );
  for (const { name, counts } of rows) {
    const command = commandTable.named(Buffer.from(name));
    if (command !== undefined) addCounts(classes.get(commandClass(command))!, counts);
  }
  return [...classes].map(([name, counts]) => ({ labels: { class: name }, counts }));
}
