// A read-through cache: a value that is not there is loaded once, however many ask for it.
//
//   node read-through-cache.js
import { setTimeout as delay } from 'node:timers/promises';
import { Primary } from 'fastcache';

const FRESH_MS = 60_000;
// The values that were read longest ago make room.
const cache = await Primary.start({
  bind: '127.0.0.1:0',
  listen: false,
  codec: 'json',
  maxMemoryBytes: 64 * 1024 * 1024,
  eviction: 'allkeys-lru',
});
const loading = new Map();

/** Returns the value of a key, from the cache or from `load`, which is called once for all who wait. */
function read(key, load) {
  const cached = cache.get(key);
  if (cached !== undefined) return cached;
  let filling = loading.get(key);
  if (filling === undefined) {
    filling = fill(key, load).finally(() => loading.delete(key));
    loading.set(key, filling);
  }
  return filling;
}

/** A value that was written meanwhile is newer, and stays. */
async function fill(key, load) {
  const loaded = await load(key);
  cache.compareAndSet(key, undefined, loaded, { ttlMs: FRESH_MS });
  return cache.get(key) ?? loaded;
}

let loads = 0;
async function slowDatabase(key) {
  loads += 1;
  await delay(50);
  return { key, price: 10 };
}

const answers = await Promise.all(Array.from({ length: 100 }, () => read('product:1', slowDatabase)));
console.log(`${answers.length} readers, ${loads} load, price ${answers[0].price}`);

const slow = read('product:2', slowDatabase);
cache.set('product:2', { key: 'product:2', price: 12 }, { ttlMs: FRESH_MS });
console.log(`written while it was loaded: price ${(await slow).price}`);

cache.del('product:1');
console.log(`after a deletion: price ${(await read('product:1', slowDatabase)).price}, ${loads} loads`);
await cache.close();
