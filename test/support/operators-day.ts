/**
 * An operator's day with real processes: start, join, write, a cut in the network, a primary that comes back
 * empty, promotion, rejoin. The transcript is docs/operations.md, "An operator's day"; `npx tsx
 * test/support/operators-day.ts` prints it. Ports, histories and times, which differ from run to run, are
 * made the same.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { eventually, freePort, LineProcess, packageRoot } from './processes.js';
import { RespClient } from './resp-client.js';
import { Wiretap } from './wiretap.js';

/** The transcript's names of the addresses that were really used. */
const names = {
  primaryBind: '127.0.0.1:7631',
  primary: '127.0.0.1:6380',
  relayBind: '127.0.0.1:7632',
  relay: '127.0.0.1:6381',
  replica: '127.0.0.1:6382',
  old: '127.0.0.1:6390',
} as const;
type Name = keyof typeof names;

class Day {
  readonly #lines: string[] = [];
  readonly #real = new Map<string, string>();
  readonly #aliases = new Map<string, string>();
  readonly #histories: string[] = [];
  readonly #running: LineProcess[] = [];
  readonly directory = mkdtempSync(join(tmpdir(), 'fastcache-day-'));

  /** Gives a name a port of its own. */
  async place(name: Name): Promise<void> {
    this.#real.set(names[name], `127.0.0.1:${await freePort()}`);
  }

  /** Has the transcript show `address` as `name` too: a way to it that can be cut. */
  alias(name: Name, address: string): void {
    this.#aliases.set(address, names[name]);
  }

  address(name: Name): string {
    return this.#real.get(names[name])!;
  }

  say(text: string): void {
    this.#lines.push('', `# ${text}`);
  }

  /** A server that stays; resolves when it says that it listens. */
  async serve(...args: string[]): Promise<LineProcess> {
    this.#type(`fastcache ${args.join(' ')} &`);
    const server = this.#start(args);
    this.#running.push(server);
    this.#print(await server.nextLine());
    return server;
  }

  /** A command that ends: its output, and its exit status when that is not 0. */
  async run(...args: string[]): Promise<string> {
    this.#type(`fastcache ${args.join(' ')}`);
    const child = this.#start(args);
    const output: string[] = [];
    const { code } = await child.exited;
    for (;;) {
      const line = await child.nextLine().catch(() => undefined);
      if (line === undefined) break;
      output.push(line);
    }
    for (const line of [...output, ...child.stderr.split('\n').filter((line) => line !== '')])
      this.#print(line);
    if (code !== 0) this.#print(`(exit status ${code})`);
    return output.join('\n');
  }

  /** A command of a client. */
  async redis(name: Name, ...words: string[]): Promise<string> {
    const reply = await this.ask(name, ...words);
    this.#type(`redis-cli -p ${names[name].split(':')[1]} ${words.join(' ')}`);
    for (const line of reply.replace(/^[+-]/, '').split('\n')) this.#print(line);
    return reply;
  }

  /** The same without a word in the transcript; of an array, a line for each item, as redis-cli prints it. */
  async ask(name: Name, ...words: string[]): Promise<string> {
    const client = await RespClient.connect(this.address(name));
    try {
      const reply = await client.command(...words.map((word) => this.#toReal(word)));
      return Array.isArray(reply) ? reply.join('\n') : String(reply);
    } finally {
      client.close();
    }
  }

  /** Waits until a server's log has a line with this text, and prints the line without its time. */
  async log(who: string, server: LineProcess, text: string): Promise<void> {
    const lineOf = () => server.stderr.split('\n').find((line) => line.includes(text));
    const line = await eventually(lineOf, (found) => found !== undefined);
    this.#print(`${who}: ${line!.replace(/^\S+Z?\s+/, '').replace(/^[\d:.]+\s+/, '')}`);
  }

  async end(): Promise<void> {
    await Promise.all(this.#running.map((child) => child.kill()));
    rmSync(this.directory, { recursive: true, force: true });
  }

  transcript(): string {
    return this.#lines.slice(1).join('\n');
  }

  /** Plain text, whatever the terminal that this runs on can do. */
  #start(args: readonly string[]): LineProcess {
    const real = args.map((arg) => this.#toReal(arg));
    return new LineProcess(process.execPath, [join(packageRoot, 'bin/run.js'), ...real], {
      FORCE_COLOR: '0',
    });
  }

  #type(command: string): void {
    this.#lines.push(`$ ${this.#same(command)}`);
  }

  #print(line: string): void {
    this.#lines.push(this.#same(line).trimEnd());
  }

  #toReal(text: string): string {
    return this.#real.get(text) ?? text;
  }

  /** Without what differs from run to run. */
  #same(line: string): string {
    let text = line.replaceAll(`${this.directory}/`, '');
    for (const [alias, shown] of this.#aliases) text = text.replaceAll(alias, shown);
    for (const [shown, real] of this.#real) text = text.replaceAll(real, shown);
    const known = Object.values<string>(names);
    return (
      text
        .replace(/127\.0\.0\.1:\d+/g, (address) => (known.includes(address) ? address : '127.0.0.1:…'))
        .replace(/\b[0-9a-f]{32}\b/g, (id) => this.#historyName(id))
        // In a table as wide as it was, so that the columns stay in line.
        .replace(/(?<=^ *\d+ +[+-].*)\b\d{13,}\b/g, (sequence) => '…'.padStart(sequence.length))
        .replace(/\b\d{13,}\b/g, '…')
        // The table of replicas, which is as wide as its ports and figures are.
        .replace(/^(replica) +(state +lag ms +records) .*$/, '$1         $2  sent/s  may be away  since')
        .replace(/^(127\.0\.0\.1:\d+) +(live +\d+ +\d+) .*$/, '$1  $2  …')
        // The write rate is that of ten seconds, and a slow machine takes longer.
        .replace(/\b(written \S+|nothing is written),/, 'written …,')
        .replace(/(may be away|heard|lag_ms=)( ?).*?( {2}backlog| ago|;)/g, '$1$2…$3')
        .replace(/\b[\d.,]+ (ms|s|minutes|hours|days|bytes)\b/g, '… $1')
    );
  }

  #historyName(id: string): string {
    if (!this.#histories.includes(id)) this.#histories.push(id);
    return `<history ${this.#histories.indexOf(id) + 1}>`;
  }
}

/** Lives through the day; the transcript, and what counts at its end. */
export async function operatorsDay(): Promise<string> {
  const day = new Day();
  let tap: Wiretap | undefined;
  try {
    for (const name of Object.keys(names) as Name[]) await day.place(name);
    const dump = join(day.directory, 'day.fcrp');
    const serving = ['--bind', names.primaryBind, '--listen', names.primary];

    day.say('Morning: a primary, a relay that follows it, and a replica of the relay.');
    const primary = await day.serve('primary', 'start', ...serving, '--record', dump);
    const bind = day.address('primaryBind');
    tap = await Wiretap.start(bind);
    day.alias('primaryBind', tap.address);
    const relay = await day.serve(
      ...['replica', 'follow', tap.address, '--bind', names.relayBind, '--listen', names.relay],
    );
    await eventually(
      () => relay.stderr,
      (text) => text.includes('caught-up'),
    );
    const replica = await day.serve('replica', 'follow', names.relayBind, '--listen', names.replica);
    await eventually(
      () => replica.stderr,
      (text) => text.includes('caught-up'),
    );
    await day.redis('primary', 'MSET', 'user:1', 'ada', 'user:2', 'grace');
    await until(day, 'replica', 'user:2', 'grace');
    await day.redis('replica', 'GET', 'user:2');
    await day.redis('replica', 'SET', 'user:3', 'no');

    day.say(
      'Noon: the network between primary and relay is cut. Both go on, and the replica notices nothing.',
    );
    tap.isOpen = false;
    tap.cut();
    await eventually(
      () => relay.stderr,
      (text) => text.includes('lost '),
    );
    await eventually(
      () => day.ask('primary', 'INFO', 'replication'),
      (text) => text.includes('connected_slaves:0'),
    );
    await day.redis('primary', 'SET', 'user:3', 'barbara');
    await day.run('watermarks', names.primaryBind, '--check', '--max-lag-records', '10');
    day.say('It is mended: the relay goes on from the backlog, without a snapshot.');
    tap.isOpen = true;
    await day.log('primary', primary, 'resumes from the backlog');
    await until(day, 'replica', 'user:3', 'barbara');
    await day.redis('replica', 'GET', 'user:3');
    await day.run('watermarks', names.primaryBind, '--wait', '--timeout', '10');

    day.say(
      'Afternoon: the primary dies and is started again, empty. Nobody gives up what it has for nothing.',
    );
    await primary.kill();
    tap.cut();
    const again = await day.serve('primary', 'start', ...serving);
    await day.log('relay', relay, 'they stay');
    await day.redis('relay', 'GET', 'user:3');
    day.say('The relay is promoted. Its replica carries on, without a snapshot.');
    await day.redis('relay', 'REPLICAOF', 'NO', 'ONE');
    await day.log('relay', relay, 'promoted: history');
    await day.redis('relay', 'SET', 'user:4', 'radia');
    await until(day, 'replica', 'user:4', 'radia');
    await day.redis('replica', 'GET', 'user:4');
    await day.log('replica', replica, 'goes on in history');

    day.say('Evening: what was the primary joins as a replica, and all are equal.');
    await again.kill('SIGTERM');
    const old = await day.serve('replica', 'follow', names.relayBind, '--listen', names.old);
    await eventually(
      () => old.stderr,
      (text) => text.includes('caught-up'),
    );
    await day.redis('old', 'MGET', 'user:1', 'user:4');
    await day.run('watermarks', names.relayBind, '--wait', '--timeout', '10');
    await day.run('watermarks', names.relayBind);
    await day.run('frames', 'verify', dump);
    return day.transcript();
  } finally {
    await day.end();
    await tap?.close();
  }
}

async function until(day: Day, name: Name, key: string, value: string): Promise<void> {
  await eventually(
    () => day.ask(name, 'GET', key),
    (reply) => reply === value,
  );
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(await operatorsDay());
}
