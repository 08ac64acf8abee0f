/**
 * The limits of the machine and Node, which no server here can pass: requests that wait for their replies,
 * answered by a plain `net` server that reads nothing of them, and the bytes a second that memory copies.
 */
import { createServer } from 'node:net';
import { redisBenchmark } from '../support/redis.js';
import { median } from './statistics.js';

/** Medians of the rounds. */
export interface MachineFigures {
  /** SETs of 64 bytes a second, 50 clients, each answered with OK as its chunk comes. */
  readonly echoesPerSecond: number;
  /** Bytes a second that one core copies, in blocks larger than its caches. */
  readonly copiedBytesPerSecond: number;
}

const OK = Buffer.from('+OK\r\n');
const REQUESTS = 120_000;
const BLOCK_BYTES = 256 * 1_048_576;

/** Returns the figures; redis-benchmark must be there. */
export async function benchMachine({
  rounds,
  scale,
}: {
  rounds: number;
  scale: number;
}): Promise<MachineFigures> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('data', () => socket.write(OK));
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const echoes: number[] = [];
  const copies: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const flags = { t: 'set', d: 64, c: 50, n: Math.round(REQUESTS * scale) };
    echoes.push((await redisBenchmark(address.port, flags)).SET!.perSecond);
    copies.push(copiedBytesPerSecond());
  }
  await new Promise((resolve) => server.close(resolve));
  return { echoesPerSecond: median(echoes), copiedBytesPerSecond: median(copies) };
}

function copiedBytesPerSecond(): number {
  const from = Buffer.alloc(BLOCK_BYTES, 1);
  const to = Buffer.alloc(BLOCK_BYTES, 2);
  const startedMs = performance.now();
  from.copy(to);
  return (BLOCK_BYTES / (performance.now() - startedMs)) * 1_000;
}
