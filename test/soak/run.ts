/**
 * `npm run soak [-- --minutes N] [--rate N] [--data]`: two servers that lead by turns, under full load of
 * mixed commands (or so many a second), whose keys expire and are evicted, while replicas join and are
 * killed, taps come and go, links are cut, dumps are made and verified and metrics are scraped. With `--data`
 * both have a data directory, which is verified at the end. It fails when memory goes on growing, when
 * something is left behind, when the two differ, or when a digest says so although they do not.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { median } from '../bench/statistics.js';
import { eventually, FastcacheProcess, repositoryRoot } from '../support/processes.js';
import { RespClient } from '../support/resp-client.js';
import { runCommand } from '../support/run-command.js';
import { Cable } from './cable.js';
import { KEYS, Load } from './load.js';
import type { Addresses, Sample } from './server.js';

const LOAD_CLIENTS = 4;
const SAMPLE_MS = 5_000;
/** The pause between two disturbances. */
const PAUSE_MS = 5_000;
/** Behind the longest life of a key (load.ts), so that none ends while the two are compared. */
const LIVES_ENDED_MS = 21_000;
/** Memory of the last third may be so much of the second's. */
const GROWTH_MAX = 1.03;

/** A lasting server, and the cable by which the other follows it. */
interface Server {
  readonly name: string;
  readonly child: ChildProcess;
  readonly addresses: Addresses;
  readonly cable: Cable;
  readonly samples: Sample[];
}

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    rate: { type: 'string', default: 'Infinity' },
    data: { type: 'boolean', default: false },
  },
});
const endsAt = Date.now() + Number(values.minutes) * 60_000;
const directory = mkdtempSync(join(tmpdir(), 'fastcache-soak-'));
const load = new Load(LOAD_CLIENTS, Number(values.rate));
const counts = { promotions: 0, kills: 0, taps: 0, cuts: 0, dumps: 0, scrapes: 0 };
const faults: string[] = [];

let [leader, follower] = [await startServer('one'), await startServer('two')];
try {
  await soak();
} finally {
  for (const { child, cable } of [leader, follower]) {
    child.kill('SIGKILL');
    cable.close();
  }
  rmSync(directory, { recursive: true, force: true });
}
for (const fault of faults) console.log(`FAULT: ${fault}`);
console.log(faults.length === 0 ? 'The soak passed.' : `The soak failed: ${faults.length} faults.`);
process.exitCode = faults.length === 0 ? 0 : 1;

async function soak(): Promise<void> {
  const disturbances = [promote, killReplica, cutLink, tapChanges];
  await follow(follower, leader);
  // Each leads once, and has seen replicas come and go, before what is in use is counted.
  load.start(leader.addresses.listen);
  for (const disturb of [...disturbances, ...disturbances]) await disturb();
  await load.stop();
  const before = await idleResources();
  load.start(leader.addresses.listen);
  const sampling = repeat(SAMPLE_MS, sampleBoth);
  const scraping = repeat(1_000, scrapeBoth);
  for (let turn = 0; Date.now() < endsAt; turn += 1) {
    await sleep(PAUSE_MS);
    await disturbances[turn % disturbances.length]!();
  }
  await load.stop();
  await Promise.all([sampling.stop(), scraping.stop()]);
  await sleep(LIVES_ENDED_MS);
  await expectEqual();
  await expectNothingLeft(before);
  await expectNoAlarm();
  report();
  if (values.data) for (const server of [leader, follower]) await verifyData(server);
}

/** No digest has ever differed, and there was what could have made one differ. */
async function expectNoAlarm(): Promise<void> {
  for (const server of [leader, follower]) {
    const info = String(await commandOf(server, 'INFO', 'everything'));
    const figure = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? Number.NaN);
    const [divergences, evicted, expired] = ['divergences', 'evicted_keys', 'expired_keys'].map(figure);
    if (divergences !== 0) faults.push(`server ${server.name} has found ${divergences} divergences`);
    console.log(
      `server ${server.name}: ${divergences} divergences, ${evicted} evictions, ${expired} expiries`,
    );
    if (!evicted || !expired) faults.push(`server ${server.name} has never evicted, or expired, a key`);
  }
}

/** Ends a server in order, and verifies what it leaves on the disk. */
async function verifyData({ child, name }: Server): Promise<void> {
  child.send('stop');
  await once(child, 'exit');
  const { status, stdout, stderr } = await runCommand(['data', 'verify', dataOf(name)]);
  console.log(`server ${name}: ${stdout.trim().split('\n').at(-1)}`);
  if (status !== 0) faults.push(`the data of server ${name} is not sound: ${stdout}${stderr}`);
}

function dataOf(name: string): string {
  return join(directory, `data-${name}`);
}

/** A planned change of roles: the load waits until the follower has all, and goes on there. */
async function promote(): Promise<void> {
  await load.stop();
  await expectLevel();
  await commandOf(follower, 'REPLICAOF', 'NO', 'ONE');
  [leader, follower] = [follower, leader];
  await follow(follower, leader);
  load.start(leader.addresses.listen);
  counts.promotions += 1;
}

/** A replica that joins under load, records, and is killed. */
async function killReplica(): Promise<void> {
  const dump = join(directory, 'replica.fcrp');
  const args = ['replica', 'follow', leader.addresses.bind, '--listen', ':0', '--record', dump];
  const replica = new FastcacheProcess(args);
  await replica.event('caught-up');
  await sleep(1_000);
  await replica.kill();
  counts.kills += 1;
  const { status, stdout, stderr } = await runCommand(['frames', 'verify', dump]);
  // The kill may have cut off the last frame, or the end of its snapshot; the dump is sound up to there.
  const isCutOff = /FCRP_TRUNCATED|FCRP_SHORT_HEADER|The dump ends inside/.test(stdout + stderr);
  const isSound = status === 0 || isCutOff;
  if (replica.stderr.includes('digests differ')) faults.push(`a replica differs: ${replica.stderr}`);
  if (!isSound) faults.push(`a dump is not sound: ${stdout}${stderr}`);
  rmSync(dump);
  counts.dumps += 1;
}

async function cutLink(): Promise<void> {
  leader.cable.cut();
  counts.cuts += 1;
}

async function tapChanges(): Promise<void> {
  const tap = new FastcacheProcess(['replica', 'follow', leader.addresses.bind, '--changes']);
  await tap.nextLine();
  await sleep(3_000);
  const { code } = await tap.kill('SIGTERM');
  if (code !== 0) faults.push(`a tap ended with ${code}: ${tap.stderr}`);
  counts.taps += 1;
}

async function follow(one: Server, other: Server): Promise<void> {
  await commandOf(one, 'REPLICAOF', '127.0.0.1', String(other.cable.port));
  await eventually(
    () => commandOf(one, 'INFO', 'replication'),
    (info) => String(info).includes('master_link_status:up'),
  );
}

async function scrapeBoth(): Promise<void> {
  for (const { addresses } of [leader, follower]) {
    const response = await fetch(`http://${addresses.metrics}/metrics`);
    await response.text();
    if (!response.ok) faults.push(`a scrape was answered with ${response.status}`);
    counts.scrapes += 1;
  }
}

async function sampleBoth(): Promise<void> {
  for (const server of [leader, follower]) server.samples.push(await sampleOf(server));
}

async function sampleOf({ child }: Server): Promise<Sample> {
  const answer = once(child, 'message');
  child.send('sample');
  const [sample] = (await answer) as [Sample];
  return sample;
}

async function startServer(name: string): Promise<Server> {
  const path = join(repositoryRoot, 'test/soak/server.ts');
  const child = fork(path, values.data ? [dataOf(name)] : [], { execArgv: ['--import', 'tsx'] });
  const [addresses] = (await once(child, 'message')) as [Addresses];
  return { name, child, addresses, cable: await Cable.to(addresses.bind), samples: [] };
}

async function commandOf({ addresses }: Server, ...args: string[]) {
  const client = await RespClient.connect(addresses.listen);
  const reply = await client.command(...args);
  client.close();
  return reply;
}

/** Waits until the follower has all that the leader has, while nothing is written. */
async function expectLevel(): Promise<void> {
  await eventually(
    async () => {
      const infos = await Promise.all(
        [leader, follower].map((server) => commandOf(server, 'INFO', 'replication')),
      );
      return infos.map((info) => /^(?:master|slave)_repl_offset:(\d+)/m.exec(String(info))?.[1]);
    },
    ([one, other]) => one !== undefined && one === other,
  );
}

async function expectEqual(): Promise<void> {
  await expectLevel();
  const clients = await Promise.all(
    [leader, follower].map(({ addresses }) => RespClient.connect(addresses.listen)),
  );
  for (let at = 0; at < KEYS; at += 1_000) {
    const keys = Array.from({ length: 1_000 }, (_, index) => `key:${at + index}`);
    const [one, other] = await Promise.all(clients.map((client) => client.command('MGET', ...keys)));
    if (JSON.stringify(one) !== JSON.stringify(other)) faults.push(`keys from ${at} on differ`);
  }
  for (const client of clients) client.close();
}

/** Returns what both together have in use while nobody else is connected, by its name. */
async function idleResources(): Promise<Map<string, number>> {
  await sleep(2_000);
  const samples = await Promise.all([leader, follower].map(sampleOf));
  const total = new Map<string, number>();
  for (const [name, count] of samples.flatMap(({ resources }) => Object.entries(resources)))
    total.set(name, (total.get(name) ?? 0) + count);
  return total;
}

/**
 * A timer that was due within a second, as that of a sync, may have run meanwhile. So only resources that
 * were not there before are a fault.
 */
async function expectNothingLeft(before: ReadonlyMap<string, number>): Promise<void> {
  const more = (after: ReadonlyMap<string, number>) =>
    [...after].filter(([name, count]) => count > (before.get(name) ?? 0));
  const left = await eventually(idleResources, (after) => more(after).length === 0).catch(idleResources);
  if (more(left).length > 0) faults.push(`left behind: ${JSON.stringify(more(left))}`);
}

function report(): void {
  console.log(`${load.commands} commands, ${JSON.stringify(counts)}`);
  for (const { name, samples } of [leader, follower]) {
    const third = Math.floor(samples.length / 3);
    const rss = (from: number) => median(samples.slice(from, from + third).map(({ rssBytes }) => rssBytes));
    const growth = rss(2 * third) / rss(third);
    const p99 = median(samples.map(({ delayP99Ms }) => delayP99Ms));
    const most = Math.max(...samples.map(({ delayMaxMs }) => delayMaxMs));
    const megabytes = [0, 1, 2].map((part) => (rss(part * third) / 2 ** 20).toFixed(0)).join(', ');
    console.log(
      `server ${name}: MiB of the thirds ${megabytes} (x${growth.toFixed(3)}); event-loop delay p99 ` +
        `${p99.toFixed(1)} ms (median of ${samples.length} spans), at most ${most.toFixed(0)} ms`,
    );
    if (growth > GROWTH_MAX) faults.push(`the memory of server ${name} grows: x${growth.toFixed(3)}`);
  }
}

/** Does something again and again, until it is stopped. */
function repeat(everyMs: number, action: () => Promise<void>): { stop(): Promise<void> } {
  let isOn = true;
  const run = async () => {
    while (isOn) {
      await action();
      await sleep(everyMs);
    }
  };
  const running = run();
  return {
    stop() {
      isOn = false;
      return running;
    },
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
