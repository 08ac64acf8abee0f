/**
 * `npm run bench [-- --quick] [-- --out FILE]`: the kernel alone, the frames toolkit on large dumps, then
 * clients against ours and redis-server (REDIS_SERVER=path: another one, too). Prints ratios, writes all figures as JSON (dist/bench.json unless
 * --out says otherwise). Skips what needs redis where it is absent.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { redisServer, redisTools } from '../support/redis.js';
import { printClients, thousands } from './client-table.js';
import { benchClients, type ClientFigure } from './clients.js';
import { benchDumps } from './dumps.js';
import { benchGrowth, benchKernel, GROWN_KEYS } from './kernel.js';
import { benchLag, type LagFigures } from './lag.js';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    out: { type: 'string', default: 'dist/bench.json' },
  },
});
const size = values.quick ? { rounds: 1, scale: 0.02 } : { rounds: 5, scale: 1 };
/** Ratios of runs over the network differ most from round to round. */
const CLIENT_ROUNDS = 9;
const machine = `${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}`;
console.log(machine);

const kernel = benchKernel(size);
console.log('\nIn one process, records a second (and as a ratio to a Map that only stores):');
for (const [name, rate] of Object.entries(kernel)) {
  console.log(`  ${name.padEnd(14)}${thousands(rate).padStart(12)}  x${(rate / kernel.mapSet).toFixed(2)}`);
}

const slowestCallsMs = benchGrowth(size);
const slowest = slowestCallsMs.map((ms) => ms.toFixed(2)).join(' ');
console.log(
  `\nSlowest calls of ten SETs while a store grows to ${thousands(GROWN_KEYS * size.scale)} keys, ms: ${slowest}`,
);

const dumps = benchDumps(size);
console.log('\nDumps of 64-byte values, each command a process of its own:');
console.log('                        dump    records/s      MB/s   per byte beside zstd -d');
for (const { command, dump, recordsPerSecond, megabytesPerSecond, zstdShare } of dumps) {
  const rates = `${thousands(recordsPerSecond).padStart(13)}${thousands(megabytesPerSecond).padStart(10)}`;
  const share = zstdShare === null ? '' : `   x${zstdShare.toFixed(2)}`;
  console.log(`  ${command.padEnd(22)}${dump.padStart(6)}${rates}${share}`);
}

const absent = [redisServer, redisTools].filter((peer) => !peer.isThere);
let clients: ClientFigure[] | null = null;
let lag: Record<'fastcache' | 'redis', LagFigures> | null = null;
if (absent.length > 0) {
  console.log(
    `\nSkipped: the comparison with Redis needs ${absent.map(({ name, remedy }) => `${name} (${remedy})`).join(', ')}.`,
  );
} else {
  const otherRedis = process.env.REDIS_SERVER;
  clients = await benchClients({ ...size, rounds: values.quick ? 1 : CLIENT_ROUNDS, otherRedis });
  printClients(clients);
  lag = await benchLag(size);
  console.log('\nFrom a SET acknowledged until the replica shows it, and SET with WAIT 1:');
  console.log('              visible p50, p99 us   WAIT p50 ms   WAITs/s of 8 clients');
  for (const [name, figures] of Object.entries(lag)) {
    const visible = `${figures.visibleP50Us.toFixed(0)}, ${figures.visibleP99Us.toFixed(0)}`.padStart(20);
    const waits = `${figures.waitP50Ms.toFixed(2).padStart(14)}${thousands(figures.waitsPerSecond).padStart(23)}`;
    console.log(`  ${name.padEnd(12)}${visible}${waits}`);
  }
}
writeFileSync(
  values.out,
  `${JSON.stringify({ machine, ...size, kernel, slowestCallsMs, dumps, clients, lag }, null, 2)}\n`,
);
console.log(`\nAll figures: ${values.out}`);
