/**
 * A program of its own, so that it holds one store as a program does: follows the primary at the address that
 * it is given, gets each of so many keys as text and as a Buffer, and prints the calls a second as JSON.
 */
import { Primary, Replica } from '../../src/index.js';
import { benchKeys, timeOfLast } from './embedded.js';

const [address = '', count = '0'] = process.argv.slice(2);
const replica = await Replica.follow(address);
await new Promise((resolve) => replica.on('caught-up', resolve));
const texts = benchKeys(Number(count));
const text = await getsPerSecond(texts);
const buffer = await getsPerSecond(texts.map((key) => Buffer.from(key)));
await replica.close();
const objects = await objectsPerSecond(texts.length);
console.log(JSON.stringify({ text, buffer, ...objects }));

/** Reads a thousand objects over and over: as they are kept decoded, and decoded each time. */
async function objectsPerSecond(gets: number): Promise<{ kept: number; parsed: number }> {
  const codec = { encode: JSON.stringify, decode: (bytes: Uint8Array) => JSON.parse(String(bytes)) };
  const primary = await Primary.start({ bind: '127.0.0.1:0', listen: false, codec });
  const keys = benchKeys(1_000);
  const object = { id: 1, name: 'ada', roles: ['reader', 'writer'], settings: { theme: 'dark', size: 12 } };
  for (const key of keys) primary.set(key, object);
  const perSecond = async (get: (key: string) => unknown) => {
    const tookMs = await timeOfLast(async () => {
      for (let count = 0; count < gets; count += 1) {
        if (get(keys[count % keys.length]!) === undefined) throw new Error('the primary lacks keys');
      }
    });
    return (gets / tookMs) * 1_000;
  };
  const bytes = new Map(keys.map((key) => [key, Buffer.from(key)]));
  const kept = await perSecond((key) => primary.get(key));
  // A key that is bytes is looked up in the store, and its value is decoded.
  const parsed = await perSecond((key) => primary.get(bytes.get(key)!));
  await primary.close();
  return { kept, parsed };
}

async function getsPerSecond(keys: readonly (string | Buffer)[]): Promise<number> {
  const tookMs = await timeOfLast(async () => {
    let found = 0;
    for (const key of keys) found += replica.get(key) === undefined ? 0 : 1;
    if (found !== keys.length) throw new Error('the replica lacks keys');
  });
  return (keys.length / tookMs) * 1_000;
}
