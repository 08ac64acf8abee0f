/** The tables that `npm run bench` prints. */

import type { ClientFigure, Ratio, ServerFigure } from './clients.js';
import type { DataFigure } from './data.js';
import type { DigestFigure } from './digests.js';
import type { DumpFigure } from './dumps.js';
import type { EmbeddedFigures } from './embedded.js';
import { GROWN_KEYS, type KernelFigures } from './kernel.js';
import type { LagFigures } from './lag.js';
import type { MachineFigures } from './machine.js';
import type { PubSubFigure } from './pubsub.js';
import { median } from './statistics.js';
import type { StoreFigure } from './stores.js';
import type { TlsFigure } from './tls.js';
import type { TopFigure } from './top.js';
import type { TrackingFigure } from './tracking.js';

export function printKernel(kernel: KernelFigures): void {
  console.log('\nIn one process, records a second (and as a ratio to a Map that only stores):');
  for (const [name, rate] of Object.entries(kernel)) {
    const ratio = (rate / kernel.mapSet).toFixed(2);
    console.log(`  ${name.padEnd(14)}${thousands(rate).padStart(12)}  x${ratio}`);
  }
}

export function printGrowth(slowestCallsMs: readonly number[], scale: number): void {
  const slowest = slowestCallsMs.map((ms) => ms.toFixed(2)).join(' ');
  const keys = thousands(GROWN_KEYS * scale);
  console.log(`\nSlowest calls of ten SETs while a store grows to ${keys} keys, ms: ${slowest}`);
}

export function printDumps(dumps: readonly DumpFigure[]): void {
  console.log('\nDumps of 64-byte values, each command a process of its own:');
  console.log('                        dump    records/s      MB/s   per byte beside zstd -d');
  for (const { command, dump, recordsPerSecond, megabytesPerSecond, zstdShare } of dumps) {
    const rates = `${thousands(recordsPerSecond).padStart(13)}${thousands(megabytesPerSecond).padStart(10)}`;
    const share = zstdShare === null ? '' : `   x${zstdShare.toFixed(2)}`;
    console.log(`  ${command.padEnd(22)}${dump.padStart(6)}${rates}${share}`);
  }
}

/** Prints a line for each row, and one more beside another redis-server where there is one. */
export function printClients(figures: readonly ClientFigure[]): void {
  console.log(
    '\nredis-benchmark, 50 clients, one replica unless said; medians of the rounds, ratios with their spread:',
  );
  console.log('                          requests/s        p50, p99 ms      CPU us    beside it');
  for (const { test, valueBytes, pipeline, replicas, ...figure } of figures) {
    const { fastcache, redis, ratio, otherRedis, otherRatio } = figure;
    const crowd = replicas === 1 ? '' : `, ${replicas}`;
    const name = `${test} ${valueBytes} B P${pipeline}${crowd}`.padEnd(18);
    console.log(`  ${name}${cells('fastcache', fastcache)}`);
    console.log(`  ${' '.repeat(18)}${cells('redis', redis)}   ${spread(ratio)}`);
    if (otherRedis === undefined || otherRatio === undefined) continue;
    console.log(`  ${' '.repeat(18)}${cells('other', otherRedis)}   ${spread(otherRatio)}`);
  }
}

export function printData(figures: readonly DataFigure[]): void {
  console.log('\nSET kept on a disk by pipeline (P) and clients (C), no replica; requests a second:');
  console.log(
    '                                 without    with --data      Redis   of without     of Redis     memory',
  );
  for (const { perSecond, ofWithout, ofRedis, memoryBytes, ...row } of figures) {
    const { without, kept, redis } = perSecond;
    const rates = [without, kept, redis].map((rate) => thousands(rate).padStart(12)).join('');
    const ratios = [ofWithout, ofRedis].map((some) => spreadOf(some).padStart(22)).join('');
    const name = `${row.fsync} ${row.valueBytes} B P${row.pipeline} C${row.clients}`.padEnd(26);
    console.log(`  ${name}${rates}${ratios}${(memoryBytes / 1024 ** 2).toFixed(0).padStart(6)} MiB`);
  }
}

export function printLag(lag: Readonly<Record<string, LagFigures>>): void {
  console.log('\nFrom a SET acknowledged until the replica shows it, and SET with WAIT 1:');
  console.log('              visible p50, p99 us   WAIT p50 ms   WAITs/s of 8 clients');
  for (const [name, { visibleP50Us, visibleP99Us, waitP50Ms, waitsPerSecond }] of Object.entries(lag)) {
    const visible = `${visibleP50Us.toFixed(0)}, ${visibleP99Us.toFixed(0)}`.padStart(20);
    const waits = `${waitP50Ms.toFixed(2).padStart(14)}${thousands(waitsPerSecond).padStart(23)}`;
    console.log(`  ${name.padEnd(12)}${visible}${waits}`);
  }
}

export function printTracking(tracking: Readonly<Record<string, TrackingFigure>>): void {
  console.log('\nGET at pipeline 16, without and with CLIENT TRACKING:');
  console.log('             GETs/s without, with   CPU us without, with   slower');
  for (const [name, figure] of Object.entries(tracking)) {
    const rates = `${thousands(figure.plainPerSecond)}, ${thousands(figure.trackingPerSecond)}`;
    const times = `${figure.plainCpuUs.toFixed(2)}, ${figure.trackingCpuUs.toFixed(2)}`;
    console.log(
      `  ${name.padEnd(10)}${rates.padStart(23)}${times.padStart(22)}   x${figure.slowdown.toFixed(2)}`,
    );
  }
}

/** Prints what digests cost a SET. */
export function printDigests(figures: readonly DigestFigure[]): void {
  console.log('\nSET in process, CPU us without digests, with them:');
  for (const { valueBytes, withoutUs, withUs, ratio } of figures) {
    const times = `${withoutUs.toFixed(3)}, ${withUs.toFixed(3)}`;
    console.log(`  ${`${valueBytes} bytes`.padEnd(12)}${times.padStart(18)}   x${ratio.toFixed(3)}`);
  }
}

/** Prints what clients get without and with TLS. */
export function printTls(figures: readonly TlsFigure[]): void {
  console.log('\nRequests a second, plain and over TLS (CPU us a request over TLS):');
  console.log('                 fastcache                    redis                        ratio over TLS');
  for (const { test, pipeline, fastcache, redis, ratio } of figures) {
    const [ours, theirs] = [fastcache, redis].map(({ plainPerSecond, tlsPerSecond, tlsCpuUs }) =>
      `${thousands(plainPerSecond)}, ${thousands(tlsPerSecond)} (${tlsCpuUs.toFixed(2)})`.padEnd(29),
    );
    console.log(`  ${`${test} P${pipeline}`.padEnd(15)}${ours}${theirs}x${ratio.toFixed(2)}`);
  }
}

/** Prints what one `top` costs a server. */
export function printTop(figures: readonly TopFigure[]): void {
  console.log(
    '\nCPU time of a server, ms a second: without questions, and what one each two seconds adds (quartiles):',
  );
  for (const { shards, getsPerSecond, withoutMs, pingMs, lookMs } of figures) {
    const load = `${thousands(shards)} shards, ${getsPerSecond === 0 ? 'idle' : `${thousands(getsPerSecond)} GETs/s`}`;
    const [ping, look] = [pingMs, lookMs].map(([middle, lower, upper]) =>
      `${middle.toFixed(2)} (${lower.toFixed(2)} to ${upper.toFixed(2)})`.padEnd(22),
    );
    console.log(`  ${load.padEnd(28)}${withoutMs.toFixed(2).padStart(8)}   PING ${ping}  look ${look}`);
  }
}

/** Prints messages a second that fifty subscribers have received. */
export function printPubSub(figures: readonly PubSubFigure[]): void {
  console.log('\nMessages of 64 B a second to 50 subscribers, from 10 publishers:');
  console.log('  pipeline     fastcache        redis      ratio');
  for (const { pipeline, fastcache, redis, ratio } of figures) {
    const rates = `${thousands(fastcache).padStart(14)}${thousands(redis).padStart(13)}`;
    console.log(`  ${String(pipeline).padEnd(8)}${rates}      x${ratio.toFixed(2)}`);
  }
}

export function printMachine({ echoesPerSecond, copiedBytesPerSecond }: MachineFigures): void {
  console.log('\nThe limits of the machine:');
  console.log(`  SETs a second that a plain net server answers  ${thousands(echoesPerSecond).padStart(12)}`);
  console.log(
    `  MB a second that are copied in memory          ${thousands(copiedBytesPerSecond / 1e6).padStart(12)}`,
  );
}

export function printStores(figures: readonly StoreFigure[]): void {
  console.log('\nA full store of 64-byte values, one replica attached:');
  console.log('                      keys   resident MB   joined keys/s');
  for (const { server, keys, residentBytes, joinedKeysPerSecond } of figures) {
    const megabytes = thousands(residentBytes / 1e6).padStart(14);
    const joined = thousands(joinedKeysPerSecond).padStart(16);
    console.log(`  ${server.padEnd(12)}${thousands(keys).padStart(12)}${megabytes}${joined}`);
  }
}

export function printEmbedded(figures: EmbeddedFigures): void {
  console.log('\nIn a program, a second:');
  const rows: [string, number | undefined][] = [
    ['primary.set until a replica elsewhere has applied it', figures.appliedPerSecond],
    ['the same with the Rust crate', figures.crateAppliedPerSecond],
    ['replica.get of text keys', figures.textGetsPerSecond],
    ['replica.get of Buffer keys', figures.bufferGetsPerSecond],
    ['get of a thousand hot objects that are kept decoded', figures.keptObjectsPerSecond],
    ['the same, decoded from JSON at each get', figures.parsedObjectsPerSecond],
  ];
  for (const [name, rate] of rows) {
    console.log(`  ${name.padEnd(54)}${(rate === undefined ? '-' : thousands(rate)).padStart(12)}`);
  }
}

/** Renders a number with commas between thousands. */
function thousands(rate: number): string {
  return Math.round(rate).toLocaleString('en-US');
}

function cells(name: string, { perSecond, p50Ms, p99Ms, cpuUs }: ServerFigure): string {
  const latency = `${p50Ms.toFixed(2)}, ${p99Ms.toFixed(2)}`.padStart(17);
  return `${name.padEnd(10)}${thousands(perSecond).padStart(11)}${latency}${(cpuUs?.toFixed(2) ?? '?').padStart(10)}`;
}

function spread({ median, least, most }: Ratio): string {
  return `x${median.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
}

/** The median of some ratios, and the extremes. */
function spreadOf(ratios: readonly number[]): string {
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)];
  return `x${median(ratios).toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
}
