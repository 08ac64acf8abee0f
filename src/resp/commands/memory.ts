/** MEMORY: the memory that the content takes, and where the rest of the memory is. */

import { parseInt64, wordOf } from '../arguments.js';
import { type Call, type Command, NO_KEYS, NOT_AN_INTEGER, SYNTAX_ERROR } from '../command.js';
import type { CommandHost } from '../command-host.js';
import { withHelp } from '../container-help.js';
import { datasetPercent, overheadBytes, peakPercent, ratioOf } from '../memory-facts.js';
import { Double, MapReply, OK, type Reply, Verbatim } from '../reply.js';

/** MEMORY PURGE moves so many records at most, a few milliseconds' work; housekeeping moves the rest. */
const PURGED_RECORDS = 10_000;
/** MEMORY DOCTOR finds nothing wrong with a store that is smaller. */
const ADVISED_BYTES_MIN = 5 * 1024 * 1024;
/** Shares that MEMORY DOCTOR speaks of. */
const LOW_OF_PEAK_PERCENT = 66;
const FREE_SHARE = 0.25;
const NEARLY_FULL_SHARE = 0.9;
const CLIENTS_SHARE = 0.25;

const row = {
  arity: 2,
  flags: [],
  keys: NO_KEYS,
  categories: ['slow'],
  since: '4.0.0',
  group: 'server',
} as const;
const REPORT_TIPS = ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'];
const OF_ALLOCATED = 'Depends on how much memory is allocated, could be slow';

const subcommands: readonly Command[] = [
  {
    ...row,
    name: 'doctor',
    tips: REPORT_TIPS,
    complexity: 'O(1)',
    summary: 'Outputs memory problems report',
    help: ['DOCTOR', '    Return memory problems reports.'],
    run: ({ host }) => new Verbatim(diagnosis(host)),
  },
  {
    ...row,
    name: 'malloc-stats',
    tips: REPORT_TIPS,
    complexity: OF_ALLOCATED,
    summary: 'Show allocator internal stats',
    help: ['MALLOC-STATS', '    Return internal statistics report from the memory allocator.'],
    run: ({ host }) => new Verbatim(allocatorReport(host)),
  },
  {
    ...row,
    name: 'purge',
    tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
    complexity: OF_ALLOCATED,
    summary: 'Ask the allocator to release memory',
    help: ['PURGE', '    Attempt to purge dirty pages for reclamation by the allocator.'],
    run: ({ host }) => {
      host.engine().compact(PURGED_RECORDS);
      return OK;
    },
  },
  {
    ...row,
    name: 'stats',
    tips: REPORT_TIPS,
    complexity: 'O(1)',
    summary: 'Show memory usage details',
    help: ['STATS', '    Return information about the memory usage of the server.'],
    run: ({ host }) => new MapReply(statistics(host)),
  },
  {
    ...row,
    name: 'usage',
    arity: -3,
    flags: ['readonly'],
    keys: [2, 2, 1],
    categories: ['read', 'slow'],
    keySpecs: [{ flags: ['RO'], index: 2, range: [0, 1, 0] }],
    complexity: 'O(N) where N is the number of samples.',
    summary: 'Estimate the memory usage of a key',
    help: [
      'USAGE <key> [SAMPLES <count>]',
      '    Return memory in bytes used by <key> and its value. Nested values are',
      '    sampled up to <count> times (default: 5, 0 means sample all).',
    ],
    run: usage,
  },
];

/** MEMORY and its subcommands. */
export const memoryCommands: readonly Command[] = [
  {
    ...row,
    name: 'memory',
    arity: -2,
    complexity: 'Depends on subcommand.',
    summary: 'A container for memory diagnostics commands',
    subcommands: withHelp(
      { container: 'memory', since: '4.0.0', group: 'server', categories: ['slow'] },
      subcommands,
    ),
  },
];

/** Answers a key's bytes. SAMPLES is for values of many elements: it is read, and changes nothing. */
function usage({ args, host }: Call): Reply {
  for (let index = 3; index < args.length; index += 2) {
    if (wordOf(args, index) !== 'samples' || index + 1 === args.length) return SYNTAX_ERROR;
    const samples = parseInt64(args[index + 1]!);
    if (samples === undefined) return NOT_AN_INTEGER;
    if (samples < 0n) return SYNTAX_ERROR;
  }
  return host.engine().recordBytes(args[2]!) ?? null;
}

/** Redis' fields in its order; those are left out for which nothing here corresponds (docs/redis.md). */
function statistics(host: CommandHost): [string, Reply][] {
  const facts = host.memory();
  const { usedBytes, allocatedBytes, residentBytes, tableBytes } = facts;
  const keys = host.engine().keyCount();
  const tables = new MapReply([
    ['overhead.hashtable.main', tableBytes],
    ['overhead.hashtable.expires', 0],
    ['overhead.hashtable.slot-to-keys', 0],
  ]);
  return [
    ['peak.allocated', facts.peakBytes],
    ['total.allocated', usedBytes],
    ['startup.allocated', facts.emptyBytes],
    ['replication.backlog', facts.backlogBytes],
    ['clients.slaves', 0],
    ['clients.normal', facts.clientBytes],
    ['cluster.links', 0],
    ['aof.buffer', 0],
    ['lua.caches', facts.scripts.bytes],
    ['functions.caches', 0],
    ...(keys === 0 ? [] : [['db.0', tables] as [string, Reply]]),
    ['overhead.total', overheadBytes(facts)],
    ['keys.count', keys],
    ['keys.bytes-per-key', keys === 0 ? 0 : Math.floor((usedBytes - facts.emptyBytes) / keys)],
    ['dataset.bytes', facts.recordBytes],
    ['dataset.percentage', new Double(datasetPercent(facts))],
    ['peak.percentage', new Double(peakPercent(facts))],
    ['allocator.allocated', usedBytes],
    ['allocator.active', allocatedBytes],
    ['allocator-fragmentation.ratio', new Double(ratioOf(allocatedBytes, usedBytes))],
    ['allocator-fragmentation.bytes', allocatedBytes - usedBytes],
    ['fragmentation', new Double(ratioOf(residentBytes, usedBytes))],
    ['fragmentation.bytes', residentBytes - usedBytes],
  ];
}

function diagnosis(host: CommandHost): string {
  const facts = host.memory();
  const { usedBytes, peakBytes, allocatedBytes, freeBlockBytes, clientBytes } = facts;
  const { maxMemoryBytes, maxMemoryPolicy } = host.settings;
  if (usedBytes < ADVISED_BYTES_MIN) {
    return `The content takes ${usedBytes} bytes, too few for any advice.\n`;
  }
  const findings = [
    peakPercent(facts) < LOW_OF_PEAK_PERCENT &&
      `The content took ${peakBytes} bytes at its peak and takes ${usedBytes} now; what was freed serves new keys.`,
    freeBlockBytes > allocatedBytes * FREE_SHARE &&
      `${freeBlockBytes} bytes are free between records; they are gathered in passing, and MEMORY PURGE does some of it at once.`,
    maxMemoryBytes > 0 &&
      usedBytes > maxMemoryBytes * NEARLY_FULL_SHARE &&
      maxMemoryPolicy === 'noeviction' &&
      `The content takes ${usedBytes} of ${maxMemoryBytes} bytes (maxmemory) and nothing is evicted: writes will be refused. Raise maxmemory, or set maxmemory-policy.`,
    clientBytes > usedBytes * CLIENTS_SHARE &&
      `Commands and replies of clients take ${clientBytes} bytes. CLIENT LIST shows whose (tot-mem); client-output-buffer-limit bounds replies that are not read.`,
  ].filter((finding) => finding !== false);
  return findings.length === 0 ? 'Nothing is wrong with the memory.\n' : `${findings.join('\n')}\n`;
}

function allocatorReport(host: CommandHost): string {
  const facts = host.memory();
  return [
    `pages handed out: ${facts.allocatedBytes} bytes`,
    `blocks that hold records: ${facts.recordBytes} bytes`,
    `free blocks between them: ${facts.freeBlockBytes} bytes`,
    `tables and expiries: ${facts.tableBytes} bytes`,
    `open frames: ${facts.frameBytes} bytes`,
    '',
  ].join('\n');
}
