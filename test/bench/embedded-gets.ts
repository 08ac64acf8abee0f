/**
 * A program of its own, so that it holds one store as a program does: follows the primary at the address that
 * it is given, gets each of so many keys as text and as a Buffer, and prints the calls a second as JSON.
 */
import { Replica } from '../../src/index.js';
import { benchKeys, timeOfLast } from './embedded.js';

const [address = '', count = '0'] = process.argv.slice(2);
const replica = await Replica.follow(address);
await new Promise((resolve) => replica.on('caught-up', resolve));
const texts = benchKeys(Number(count));
const text = await getsPerSecond(texts);
const buffer = await getsPerSecond(texts.map((key) => Buffer.from(key)));
await replica.close();
console.log(JSON.stringify({ text, buffer }));

async function getsPerSecond(keys: readonly (string | Buffer)[]): Promise<number> {
  const tookMs = await timeOfLast(async () => {
    let found = 0;
    for (const key of keys) found += replica.get(key) === undefined ? 0 : 1;
    if (found !== keys.length) throw new Error('the replica lacks keys');
  });
  return (keys.length / tookMs) * 1_000;
}
