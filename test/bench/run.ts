/**
 * `npm run bench [-- --quick] [--rounds N] [--part PART …] [--out FILE]`: the kernel alone and what digests
 * cost it, the frames toolkit on large dumps, the library in a program, clients against ours and redis-server
 * (REDIS_SERVER=path: another one, too), full stores, the time until a write is everywhere, messages to 50
 * subscribers, and what tracked keys, TLS, `top` and a data directory cost. Prints ratios, writes all figures
 * as JSON (dist/bench.json unless --out says otherwise). Skips what needs redis where it is absent.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { redisServer, redisTools } from '../support/redis.js';
import { benchClients } from './clients.js';
import { benchData } from './data.js';
import { benchDigests } from './digests.js';
import { benchDumps } from './dumps.js';
import { benchEmbedded } from './embedded.js';
import { benchGrowth, benchKernel } from './kernel.js';
import { benchLag } from './lag.js';
import { benchMachine } from './machine.js';
import { benchPubSub } from './pubsub.js';
import { benchStores } from './stores.js';
import {
  printClients,
  printData,
  printDigests,
  printDumps,
  printEmbedded,
  printGrowth,
  printKernel,
  printLag,
  printMachine,
  printPubSub,
  printStores,
  printTls,
  printTop,
  printTracking,
} from './tables.js';
import { benchTls } from './tls.js';
import { benchTop } from './top.js';
import { benchTracking } from './tracking.js';

const PARTS = [
  'kernel',
  'digests',
  'dumps',
  'embedded',
  'machine',
  'clients',
  'stores',
  'lag',
  'pubsub',
  'tracking',
  'tls',
  'top',
  'data',
];
/** Ratios of runs over the network differ most from round to round. */
const CLIENT_ROUNDS = 9;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    part: { type: 'string', multiple: true, default: PARTS },
    out: { type: 'string', default: 'dist/bench.json' },
  },
});
const unknown = values.part.filter((part) => !PARTS.includes(part));
if (unknown.length > 0) throw new Error(`There is no part ${unknown.join()}; the parts are ${PARTS.join()}.`);
const size = {
  ...(values.quick ? { rounds: 1, scale: 0.02 } : { rounds: 5, scale: 1 }),
  ...(values.rounds !== undefined && { rounds: Number(values.rounds) }),
};
const clientRounds = values.quick ? 1 : CLIENT_ROUNDS;
const figures: Record<string, unknown> = {
  machine: `${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}`,
  ...size,
};
console.log(figures.machine);

if (values.part.includes('kernel')) {
  const kernel = benchKernel(size);
  printKernel(kernel);
  const slowestCallsMs = benchGrowth(size);
  printGrowth(slowestCallsMs, size.scale);
  Object.assign(figures, { kernel, slowestCallsMs });
}
if (values.part.includes('digests')) {
  const digests = benchDigests(size);
  printDigests(digests);
  Object.assign(figures, { digests });
}
if (values.part.includes('dumps')) {
  const dumps = benchDumps(size);
  printDumps(dumps);
  Object.assign(figures, { dumps });
}
if (values.part.includes('embedded')) {
  const embedded = await benchEmbedded(size);
  printEmbedded(embedded);
  Object.assign(figures, { embedded });
}
if (values.part.includes('top')) {
  const top = await benchTop(size);
  printTop(top);
  Object.assign(figures, { top });
}
if (isRedisThere()) {
  const otherRedis = process.env.REDIS_SERVER;
  if (values.part.includes('machine')) {
    const machine = await benchMachine(size);
    printMachine(machine);
    Object.assign(figures, { machineLimits: machine });
  }
  if (values.part.includes('clients')) {
    const rounds = values.rounds === undefined ? clientRounds : Number(values.rounds);
    const clients = await benchClients({ ...size, rounds, otherRedis });
    printClients(clients);
    Object.assign(figures, { clients });
  }
  if (values.part.includes('stores')) {
    const stores = await benchStores(size, otherRedis);
    printStores(stores);
    Object.assign(figures, { stores });
  }
  if (values.part.includes('lag')) {
    const lag = await benchLag(size);
    printLag(lag);
    Object.assign(figures, { lag });
  }
  if (values.part.includes('tracking')) {
    const tracking = await benchTracking(size);
    printTracking(tracking);
    Object.assign(figures, { tracking });
  }
  if (values.part.includes('tls')) {
    const tls = await benchTls(size);
    printTls(tls);
    Object.assign(figures, { tls });
  }
  if (values.part.includes('data')) {
    const data = await benchData(size);
    printData(data);
    Object.assign(figures, { data });
  }
  if (values.part.includes('pubsub')) {
    const pubsub = await benchPubSub(size);
    printPubSub(pubsub);
    Object.assign(figures, { pubsub });
  }
}
writeFileSync(values.out, `${JSON.stringify(figures, null, 2)}\n`);
console.log(`\nAll figures: ${values.out}`);

/** Returns whether there is a Redis to compare with; says what is missing where there is none. */
function isRedisThere(): boolean {
  const absent = [redisServer, redisTools].filter((peer) => !peer.isThere);
  if (absent.length === 0) return true;
  const names = absent.map(({ name, remedy }) => `${name} (${remedy})`);
  console.log(`\nSkipped: the comparison with Redis needs ${names.join(', ')}.`);
  return false;
}
