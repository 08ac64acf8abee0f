// Feature flags: each process asks an embedded replica, in memory, and hears of every change.
//
//   fastcache primary start
//   node feature-flags.js 127.0.0.1:6380
//   redis-cli -p 6380 SET flag:checkout '{"percent":50}'
import { createHash } from 'node:crypto';
import { Replica } from 'fastcache';

const [address = '127.0.0.1:6380'] = process.argv.slice(2);
const users = ['ada', 'grace', 'barbara', 'radia'];

const replica = await Replica.follow(address, { codec: 'json' });
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => replica.close());
// Changes are yielded from this call on: nothing is missed while the content is fetched.
const changes = replica.changes({ prefix: 'flag:' });
await replica.ready({ timeoutMs: 10_000 });
console.log('ready');

// The first content comes as `replaced`, and so does a later snapshot.
for await (const change of changes) {
  if (change.type === 'replaced') for (const key of replica.keys('flag:')) show(key);
  else show(change.key);
}

/** Returns whether a flag is on for a user. A user who has it keeps it when the percentage grows. */
function isOn(key, user) {
  const percent = replica.get(key)?.percent ?? 0;
  const place = createHash('sha256').update(`${key} ${user}`).digest().readUInt32BE() / 2 ** 32;
  return place * 100 < percent;
}

function show(key) {
  console.log(`${key}: ${users.filter((user) => isOn(key, user)).join(' ') || 'nobody'}`);
}
