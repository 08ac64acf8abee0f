/** A journal of 10 GiB on 2 GiB of data, from a first start to a restart that reads all of it. */
import { mulberry32 } from '../support/workload.js';
import { DataServer } from './server.js';

const VALUE_BYTES = 1_024;
const KEYS = 2 * 1_024 ** 2;
const JOURNAL_BYTES = 10 * 1_024 ** 3;
const AT_ONCE = 2_000;
/** Keys that are read and compared at the end. */
const PROBES = 100_000;

/** Returns what is not as it must be. Prints what it measures. */
export async function playLarge(directory: string): Promise<string[]> {
  const server = await DataServer.place({
    directory,
    flags: ['--data-base', 'never', '--data-keep', 'bases:1000', '--backlog', '64mb'],
  });
  await server.start();
  const numbers = new Uint32Array(KEYS);
  const random = mulberry32(1);
  const client = await server.connect();
  const beganMs = performance.now();
  let writes = 0;
  while (writes * VALUE_BYTES < JOURNAL_BYTES) {
    const commands = Array.from({ length: AT_ONCE }, (_, index) => {
      const key = writes < KEYS ? (writes + index) % KEYS : Math.floor(random() * KEYS);
      numbers[key] = writes + index;
      return ['SET', `key:${key}`, textOf(writes + index)];
    });
    const replies = await client.pipeline(commands);
    const refused = replies.find((reply) => reply !== '+OK');
    if (refused !== undefined) return [`a write is answered ${refused}`];
    writes += AT_ONCE;
  }
  client.close();
  const tookMs = performance.now() - beganMs;
  console.log(`${writes} writes of ${VALUE_BYTES} bytes to ${KEYS} keys in ${(tookMs / 1_000).toFixed(0)} s`);
  await server.end('SIGKILL');
  const startedMs = performance.now();
  await server.start({ patienceMs: 600_000 });
  const startMs = performance.now() - startedMs;
  const rss = await server.field('used_memory_rss_human');
  console.log(`read again in ${(startMs / 1_000).toFixed(1)} s, ${rss} of memory`);
  const faults = await compare(server, numbers, random);
  await server.stop();
  return faults;
}

/** A kill may lose what was not written yet: the last second at most, which is counted and printed. */
async function compare(server: DataServer, numbers: Uint32Array, random: () => number): Promise<string[]> {
  const faults: string[] = [];
  const client = await server.connect();
  let older = 0;
  for (let probe = 0; probe < PROBES; probe += AT_ONCE) {
    const keys = Array.from({ length: AT_ONCE }, () => Math.floor(random() * KEYS));
    const values = await client.command('MGET', ...keys.map((key) => `key:${key}`));
    for (const [index, value] of (values as (Buffer | null)[]).entries()) {
      const number = Number.parseInt(String(value), 10);
      if (String(value) !== textOf(number))
        faults.push(`key:${keys[index]} is ${String(value).slice(0, 20)}`);
      else if (number !== numbers[keys[index]!]) older += 1;
    }
  }
  client.close();
  const keys = await server.ask('DBSIZE');
  console.log(`${keys} keys; of ${PROBES} that were compared ${older} are older than their last write`);
  if (keys !== KEYS) faults.push(`there are ${keys} keys of ${KEYS}`);
  return faults.slice(0, 10);
}

function textOf(number: number): string {
  return `${number} `.padEnd(VALUE_BYTES, 'v');
}
