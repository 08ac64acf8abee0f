/**
 * Messages of channels, ours and redis-server side by side, each with one replica attached: redis-benchmark
 * publishes to one channel, and subscribers in this process count what comes. The two take turns.
 */
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { redisBenchmark } from '../support/redis.js';
import { RespClient } from '../support/resp-client.js';
import { type Rival, startFastcache, startRedis } from './rivals.js';
import { median } from './statistics.js';

const SUBSCRIBERS = 50;
const PUBLISHERS = 10;
const PAYLOAD = 'x'.repeat(64);
const CHANNEL = 'bench';
/** The bytes that each subscriber is sent for a message in RESP2. */
const MESSAGE_BYTES = `*3\r\n$7\r\nmessage\r\n$5\r\n${CHANNEL}\r\n$64\r\n${PAYLOAD}\r\n`.length;

/** How much is measured. */
export interface PubSubBenchOptions {
  rounds: number;
  /** The share of the usual number of messages, for a smoke run. */
  scale: number;
}

/** One row: medians of the rounds. */
export interface PubSubFigure {
  /** How many PUBLISH each publisher sends at once. */
  pipeline: number;
  /** Messages a second, each of which all subscribers have received. */
  fastcache: number;
  redis: number;
  ratio: number;
}

/** Returns the figures of publishers with and without a pipeline. */
export async function benchPubSub({ rounds, scale }: PubSubBenchOptions): Promise<PubSubFigure[]> {
  const rivals = [await startFastcache(), await startRedis()];
  const rows = [
    { pipeline: 1, messages: 20_000 },
    { pipeline: 16, messages: 60_000 },
  ];
  try {
    const figures: PubSubFigure[] = [];
    for (const { pipeline, messages } of rows) {
      const runs = rivals.map((): number[] => []);
      for (let round = 0; round < rounds; round += 1) {
        for (const [index, rival] of rivals.entries()) {
          runs[index]!.push(await measure(rival, pipeline, Math.round(messages * scale)));
        }
      }
      const [fastcache, redis] = runs as [number[], number[]];
      const ratio = median(fastcache.map((rate, round) => rate / redis[round]!));
      figures.push({ pipeline, fastcache: median(fastcache), redis: median(redis), ratio });
    }
    return figures;
  } finally {
    for (const rival of rivals) await rival.stop();
  }
}

/** Returns how many messages a second all subscribers have received. */
async function measure({ primaryPort }: Rival, pipeline: number, messages: number): Promise<number> {
  const subscribers = Array.from({ length: SUBSCRIBERS }, () => new Subscriber(primaryPort));
  await Promise.all(subscribers.map(({ isSubscribed }) => isSubscribed));
  const received = Promise.all(subscribers.map((subscriber) => subscriber.receives(messages)));
  const startedMs = performance.now();
  await publish(primaryPort, pipeline, messages);
  await received;
  const seconds = (performance.now() - startedMs) / 1_000;
  for (const subscriber of subscribers) subscriber.close();
  await isAlone(primaryPort);
  return messages / seconds;
}

async function publish(port: number, pipeline: number, messages: number): Promise<void> {
  await redisBenchmark(port, { c: PUBLISHERS, P: pipeline, n: messages }, ['publish', CHANNEL, PAYLOAD]);
}

/** Resolves when the server has noticed that the subscribers are gone. */
async function isAlone(port: number): Promise<void> {
  const client = await RespClient.connect(`127.0.0.1:${port}`);
  while (String(await client.command('PUBSUB', 'NUMSUB', CHANNEL)) !== `${CHANNEL},0`);
  client.close();
}

/** A subscriber that only counts bytes, so that it costs little beside the server. */
class Subscriber {
  readonly isSubscribed: Promise<void>;
  readonly #socket;
  #receivedBytes = 0;
  #awaitedBytes = Number.POSITIVE_INFINITY;
  #onReceived = () => {};

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    const answer = `*3\r\n$9\r\nsubscribe\r\n$5\r\n${CHANNEL}\r\n:1\r\n`;
    this.isSubscribed = new Promise((resolve) => {
      this.#awaitedBytes = answer.length;
      this.#onReceived = resolve;
    });
    this.#socket.on('data', ({ length }) => {
      this.#receivedBytes += length;
      if (this.#receivedBytes >= this.#awaitedBytes) this.#onReceived();
    });
    this.#socket.write(`SUBSCRIBE ${CHANNEL}\r\n`);
  }

  /** Resolves when so many messages have come from now on. */
  receives(messages: number): Promise<void> {
    return new Promise((resolve) => {
      this.#awaitedBytes = this.#receivedBytes + messages * MESSAGE_BYTES;
      this.#onReceived = resolve;
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
