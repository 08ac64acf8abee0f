/**
 * One of the two lasting servers of the soak, in a process of its own: an embedded primary, which follows
 * when a client has it do so. To `sample` of its parent it answers with what it has in use, and to `collect`
 * with what is left of its memory behind a garbage collection (--expose-gc) as well; any other message ends
 * it in order. Its argument is its data directory, if it has one.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Primary } from '../../src/index.js';

/** The resources that a server has in use, and its figures since the last answer. */
export interface Sample {
  readonly rssBytes: number;
  /** The memory in use behind a collection; absent: there was none. */
  readonly kept?: KeptMemory;
  /** The resources that keep the event loop alive, by name: sockets, timers, listeners. */
  readonly resources: Readonly<Record<string, number>>;
  /** Event-loop delay, ms, within the span since the last sample. */
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
}

/** Memory in use behind a garbage collection. */
export interface KeptMemory {
  readonly heapBytes: number;
  /** Buffers, the memory of kernels among them, and what libraries have. */
  readonly externalBytes: number;
}

/** Where a server is reached, its first message. */
export interface Addresses {
  readonly bind: string;
  readonly listen: string;
  readonly metrics: string;
}

const local = '127.0.0.1:0';
/** Less than the load's keys take, so that some are evicted all the time. */
const maxMemoryBytes = 6 * 1024 * 1024;
const DELAY_RESOLUTION_MS = 10;
const [data] = process.argv.slice(2);
const server = await Primary.start({
  bind: local,
  listen: local,
  metrics: local,
  maxMemoryBytes,
  eviction: 'allkeys-lru',
  ...(data !== undefined && { data, dataKeep: 'bases:2' }),
});
const addresses: Addresses = {
  bind: server.bindAddress,
  listen: server.listenAddress!,
  metrics: server.metricsAddress!,
};
const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
delay.enable();
process.send!(addresses);
process.on('message', (message) => {
  if (message === 'sample') process.send!(sample());
  else if (message === 'collect') void collected().then((found) => process.send!(found));
  else void server.close().then(() => process.exit());
});
process.on('disconnect', () => process.exit());

/** A collection halts the process: it is no delay of the server's. */
async function collected(): Promise<Sample> {
  const found = sample();
  globalThis.gc!();
  const { heapUsed, external } = process.memoryUsage();
  await new Promise((resolve) => setTimeout(resolve, 2 * DELAY_RESOLUTION_MS));
  delay.reset();
  return { ...found, kept: { heapBytes: heapUsed, externalBytes: external } };
}

function sample(): Sample {
  const resources: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  const found = {
    rssBytes: process.memoryUsage.rss(),
    resources,
    delayP99Ms: delay.percentile(99) / 1e6,
    delayMaxMs: delay.max / 1e6,
  };
  delay.reset();
  return found;
}
