/**
 * `npm run bench:kill-loss [-- --rounds N]`: `kill -9` of a primary under load, ours and redis-server by turns:
 * how many writes that a client had been answered for are not on the replica.
 */
import { parseArgs } from 'node:util';
import { RespClient, respCommand } from '../support/resp-client.js';
import { type Rival, startFastcache, startRedis } from './rivals.js';

const WRITERS = 4;
/** Writes of one writer that wait for their answer. */
const IN_FLIGHT = 8;
/** A primary lives for so long under load, at least; each round adds a share of the rest. */
const LIFE_MIN_MS = 300;
const LIFE_REST_MS = 400;

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '20' } } });
const rounds = Number(values.rounds);
const lost = { fastcache: [] as number[], redis: [] as number[] };
const written = { fastcache: 0, redis: 0 };
for (let round = 0; round < rounds; round++) {
  const lifeMs = LIFE_MIN_MS + (LIFE_REST_MS * round) / rounds;
  for (const start of [startFastcache, startRedis]) {
    const rival = await start();
    try {
      const acknowledged = await killUnderLoad(rival, lifeMs);
      written[rival.name] += acknowledged.length;
      lost[rival.name].push(await countMissing(rival, acknowledged));
    } finally {
      await rival.stop();
    }
  }
}
for (const name of ['fastcache', 'redis'] as const) {
  console.log(`${name}: lost ${lost[name].join(' ')} of ${written[name]} acknowledged writes`);
}

/** Returns the keys whose writes were answered before the primary was killed. */
async function killUnderLoad(rival: Rival, lifeMs: number): Promise<string[]> {
  const acknowledged: string[] = [];
  const writers = Array.from({ length: WRITERS }, (_, writer) =>
    write(rival.primaryPort, writer, acknowledged),
  );
  await new Promise((resolve) => setTimeout(resolve, lifeMs));
  await rival.killPrimary();
  await Promise.all(writers);
  return acknowledged;
}

/** Writes until the server is gone. */
async function write(port: number, writer: number, acknowledged: string[]): Promise<void> {
  const client = await RespClient.connect(`127.0.0.1:${port}`);
  let sent = 0;
  const send = () => {
    client.write(respCommand('SET', `kill:${writer}:${sent}`, 'x'));
    sent += 1;
  };
  while (sent < IN_FLIGHT) send();
  try {
    for (let answered = 0; ; answered++) {
      await client.reply();
      acknowledged.push(`kill:${writer}:${answered}`);
      send();
    }
  } catch {
    client.close();
  }
}

/** Returns how many of `keys` the replica lacks once it has nothing more to take in. */
async function countMissing({ replicaPort }: Rival, keys: readonly string[]): Promise<number> {
  const client = await RespClient.connect(`127.0.0.1:${replicaPort}`);
  const size = () => client.command('DBSIZE').then(Number);
  for (let before = -1, now = await size(); now !== before; now = await size()) {
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  let found = 0;
  for (let at = 0; at < keys.length; at += 1_000) {
    found += Number(await client.command('EXISTS', ...keys.slice(at, at + 1_000)));
  }
  client.close();
  return keys.length - found;
}
