// Configuration for many processes: one reads a file and is the primary, the others each follow it.
//
//   node config.js config.json
//   kill -HUP …            (reads the file anew)
import cluster from 'node:cluster';
import { readFile } from 'node:fs/promises';
import { Primary, Replica } from 'fastcache';

const WORKERS = 3;
const [file = 'config.json'] = process.argv.slice(2);

await (cluster.isPrimary ? publish() : work());

async function publish() {
  const primary = await Primary.start({ bind: '127.0.0.1:0', listen: false, codec: 'json' });
  const load = async () => {
    primary.set('config', JSON.parse(await readFile(file, 'utf8')));
    console.log(`published to ${await primary.wait(WORKERS, 10_000)} processes`);
  };
  process.on('SIGHUP', () => load().catch(({ message }) => console.error(`${file}: ${message}`)));
  process.once('SIGTERM', end);
  for (let number = 1; number <= WORKERS; number++) {
    cluster.fork({ PRIMARY: primary.bindAddress, NUMBER: number });
  }
  await load();

  async function end() {
    process.removeAllListeners('SIGHUP');
    for (const worker of Object.values(cluster.workers)) worker.kill();
    await primary.close();
  }
}

async function work() {
  const { PRIMARY, NUMBER } = process.env;
  const replica = await Replica.follow(PRIMARY, { codec: 'json' });
  // The publisher ends this process; a signal to the whole group is for the publisher.
  process.on('SIGHUP', () => {});
  process.once('disconnect', () => replica.close());
  const changes = replica.changes({ prefix: 'config' });
  await replica.ready({ timeoutMs: 10_000 });
  let config;
  apply();
  for await (const _ of changes) apply();

  /** The same object is returned for as long as the value stays. */
  function apply() {
    const present = replica.get('config');
    if (present === undefined || present === config) return;
    config = present;
    console.log(`process ${NUMBER}: ${JSON.stringify(config)}`);
  }
}
