/** The metrics of the store, of its clients and of the process. */
import { readdirSync } from 'node:fs';
import type { CommandRow } from '../../resp/command-statistics.js';
import type { MetricFamily, MetricsModel, Sample } from './metric-family.js';

/**
 * Makes a reading with a sample for each command; names are those of the command table alone, so that there
 * are as many at most.
 */
const perCommand =
  (read: (row: CommandRow) => number) =>
  ({ status }: MetricsModel): Sample[] =>
    (status.commandRows?.() ?? []).map((row) => ({ labels: { command: row.name }, value: read(row) }));

const storeFamilies: MetricFamily[] = [
  {
    name: 'fastcache_keys',
    type: 'gauge',
    help: 'Keys in the store, those that have expired and are not deleted yet included.',
    read: ({ status }) => status.keys,
  },
  {
    name: 'fastcache_expiring_keys',
    type: 'gauge',
    help: 'Keys that have an expiry.',
    read: ({ status }) => status.expiringKeys,
  },
  {
    name: 'fastcache_memory_used_bytes',
    type: 'gauge',
    help: 'Memory of keys, values and tables, which the limit is held against.',
    read: ({ status }) => status.usedMemoryBytes,
  },
  {
    name: 'fastcache_memory_limit_bytes',
    type: 'gauge',
    help: 'The memory limit; 0 means none but what WebAssembly can have, just under 4 GiB.',
    read: ({ status }) => status.memory?.maxBytes,
  },
  {
    name: 'fastcache_evicted_keys_total',
    type: 'counter',
    help: 'Keys evicted because memory was full.',
    read: ({ status }) => status.stats?.evictedKeys,
  },
  {
    name: 'fastcache_expired_keys_total',
    type: 'counter',
    help: 'Keys deleted because they had expired.',
    read: ({ status }) => status.expiredKeys,
  },
  {
    name: 'fastcache_keyspace_hits_total',
    type: 'counter',
    help: 'Keys that clients read and that were there.',
    read: ({ status }) => status.stats?.keyspaceHits,
  },
  {
    name: 'fastcache_keyspace_misses_total',
    type: 'counter',
    help: 'Keys that clients read and that were not there.',
    read: ({ status }) => status.stats?.keyspaceMisses,
  },
];

const dataFamilies: MetricFamily[] = [
  {
    name: 'fastcache_data_last_base_timestamp_seconds',
    type: 'gauge',
    help: 'When the last base of the data directory was made, seconds since the Unix epoch; left out without one.',
    read: ({ status }) => {
      const ms = status.persistence?.saves?.lastMs;
      return ms === undefined ? undefined : ms / 1000;
    },
  },
  {
    name: 'fastcache_data_faulty',
    type: 'gauge',
    help: '1 while the data directory cannot be written; left out without one.',
    read: ({ status, node }) => {
      if (node.diskFault !== undefined) return 1;
      return status.persistence?.saves === undefined ? undefined : 0;
    },
  },
];

const clientFamilies: MetricFamily[] = [
  {
    name: 'fastcache_connected_clients',
    type: 'gauge',
    help: 'Clients of the Redis protocol that are connected.',
    read: ({ status }) => status.connectedClients,
  },
  {
    name: 'fastcache_blocked_clients',
    type: 'gauge',
    help: 'Clients that wait for an answer, as to WAIT.',
    read: ({ status }) => status.clients?.blocked,
  },
  {
    name: 'fastcache_client_connections_total',
    type: 'counter',
    help: 'Connections of clients that were accepted or rejected.',
    read: ({ status }) => status.stats?.connections,
  },
  {
    name: 'fastcache_rejected_connections_total',
    type: 'counter',
    help: 'Connections of clients that were rejected because there were too many.',
    read: ({ status }) => status.stats?.rejectedConnections,
  },
  {
    name: 'fastcache_client_input_bytes_total',
    type: 'counter',
    help: 'Bytes read from clients.',
    read: ({ status }) => status.stats?.inputBytes,
  },
  {
    name: 'fastcache_client_output_bytes_total',
    type: 'counter',
    help: 'Bytes written to clients.',
    read: ({ status }) => status.stats?.outputBytes,
  },
  {
    name: 'fastcache_commands_processed_total',
    type: 'counter',
    help: 'Commands that ran, failed ones included, by name.',
    labels: ['command'],
    read: perCommand(({ calls }) => calls),
  },
  {
    name: 'fastcache_commands_failed_total',
    type: 'counter',
    help: 'Commands that ran and failed, by name.',
    labels: ['command'],
    read: perCommand(({ failed }) => failed),
  },
  {
    name: 'fastcache_commands_rejected_total',
    type: 'counter',
    help: 'Commands refused before they ran, by name.',
    labels: ['command'],
    read: perCommand(({ rejected }) => rejected),
  },
  {
    name: 'fastcache_command_run_seconds_total',
    type: 'counter',
    help: 'Time spent running commands, by name; the time of commands that the kernel runs in place is shared out by calls.',
    labels: ['command'],
    read: perCommand(({ microseconds }) => microseconds / 1e6),
  },
];

/**
 * The metrics of the process, under the names that Prometheus' clients have agreed on, where there are any.
 */
const processFamilies: MetricFamily[] = [
  {
    name: 'fastcache_build_info',
    type: 'gauge',
    help: '1, with the version as a label.',
    labels: ['version'],
    read: ({ status }) => [{ labels: { version: status.version }, value: 1 }],
  },
  {
    name: 'fastcache_event_loop_busy_seconds_total',
    type: 'counter',
    help: 'Time in which the event loop did not wait: its growth per second is how much of its one thread is used.',
    read: () => performance.eventLoopUtilization().active / 1000,
  },
  {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'CPU time of the process, user and system.',
    read: ({ status: { cpu } }) => cpu && (cpu.userUs + cpu.systemUs) / 1e6,
  },
  {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    help: 'Resident memory of the process.',
    read: ({ status }) => status.memory?.residentBytes,
  },
  {
    name: 'process_start_time_seconds',
    type: 'gauge',
    help: 'When the process started, seconds since the Unix epoch.',
    read: () => performance.timeOrigin / 1000,
  },
  {
    name: 'process_open_fds',
    type: 'gauge',
    help: 'Open file descriptors of the process, where the system tells.',
    read: openFileDescriptors,
  },
];

/** The metrics of store, clients and process, in the order of the scrape. */
export const serverFamilies: readonly MetricFamily[] = [
  ...storeFamilies,
  ...dataFamilies,
  ...clientFamilies,
  ...processFamilies,
];

function openFileDescriptors(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    // The descriptor that reads the list is in the list, and is taken off.
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    return undefined;
  }
}
