/**
 * One of the two lasting servers of the soak, in a process of its own: an embedded primary, which follows
 * when a client has it do so. To `sample` of its parent it answers with what it has in use; any other message
 * ends it in order. Its argument is its data directory, if it has one.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Primary } from '../../src/index.js';

/** The resources that a server has in use, and its figures since the last answer. */
export interface Sample {
  readonly rssBytes: number;
  /** The resources that keep the event loop alive, by name: sockets, timers, listeners. */
  readonly resources: Readonly<Record<string, number>>;
  /** Event-loop delay, ms, within the span since the last sample. */
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
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
const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();
process.send!(addresses);
process.on('message', (message) => {
  if (message === 'sample') process.send!(sample());
  else void server.close().then(() => process.exit());
});
process.on('disconnect', () => process.exit());

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
