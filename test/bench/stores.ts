/**
 * The cost of a full store, ours and redis-server's side by side: the primary's memory with a million keys
 * and five, one replica attached, and how fast an empty replica takes them over.
 */
import { RespClient } from '../support/resp-client.js';
import { fill, type Joiner, startFastcacheJoiner, startRedisJoiner } from './joining.js';
import { residentBytes } from './process-figures.js';
import { type Rival, type RivalOptions, startRivals } from './rivals.js';
import { median } from './statistics.js';

/** A server with so many keys of 16 bytes and values of 64. */
export interface StoreFigure {
  readonly server: string;
  readonly keys: number;
  /** Of the primary's process. */
  readonly residentBytes: number;
  /** From REPLICAOF until the link is up; median of the rounds. */
  readonly joinedKeysPerSecond: number;
}

const KEYS = [1_000_000, 5_000_000];
const JOIN_LIMIT_MS = 120_000;

/** Returns the figures of all servers, for a million keys and then for five. */
export async function benchStores(
  { rounds, scale }: { rounds: number; scale: number },
  otherRedis: string | undefined,
): Promise<StoreFigure[]> {
  const figures: StoreFigure[] = [];
  for (const keys of KEYS.map((count) => Math.round(count * scale))) {
    const rivals = await startRivals(otherRedis);
    try {
      for (const rival of rivals) await fillBoth(rival, keys);
      const joinMs = rivals.map((): number[] => []);
      for (let round = 0; round < rounds; round += 1) {
        for (const [index, rival] of rivals.entries()) {
          joinMs[index]!.push(await timeOfJoin(rival, index === 2 ? otherRedis : undefined));
        }
      }
      for (const [index, { label, primaryPid }] of rivals.entries()) {
        const joinedKeysPerSecond = (keys / median(joinMs[index]!)) * 1_000;
        figures.push({ server: label, keys, residentBytes: residentBytes(primaryPid), joinedKeysPerSecond });
      }
    } finally {
      for (const rival of rivals) await rival.stop();
    }
  }
  return figures;
}

/** Resolves when the replica holds all, too. */
async function fillBoth({ primaryPort }: Rival, keys: number): Promise<void> {
  await fill(primaryPort, keys);
  const client = await RespClient.connect(`127.0.0.1:${primaryPort}`);
  await client.command('SET', 'key:000000000000', 'x'.repeat(64));
  const reached = await client.command('WAIT', '1', String(JOIN_LIMIT_MS));
  client.socket.destroy();
  if (reached !== 1) throw new Error('the replica did not follow');
}

async function timeOfJoin(rival: Rival, program: RivalOptions['program']): Promise<number> {
  const joiner: Joiner =
    rival.name === 'fastcache'
      ? await startFastcacheJoiner(rival.replicationPort)
      : await startRedisJoiner(rival.replicationPort, program);
  try {
    const startedMs = performance.now();
    await joiner.join(JOIN_LIMIT_MS);
    return performance.now() - startedMs;
  } finally {
    await joiner.stop();
  }
}
