/**
 * Measures what `verify` costs servers (docs/performance.md, "Comparing servers"): `npm run bench:comparing
 * [-- --keys 100000]`. Two servers hold the same keys, with values of 64 bytes, of which ten differ in the
 * end. Their CPU time is that of their processes, less what they take in as long a time without it.
 */
import { parseArgs } from 'node:util';
import { FastcacheProcess } from '../support/processes.js';
import { RespClient } from '../support/resp-client.js';
import { runCommand } from '../support/run-command.js';
import { fill, portOf } from './joining.js';
import { cpuMs } from './process-figures.js';

const { values } = parseArgs({ options: { keys: { type: 'string', default: '1000000' } } });
const KEYS = Number(values.keys);
const DIFFERENCES = 10;

function cpuSeconds(pid: number): number {
  return (cpuMs(pid) ?? Number.NaN) / 1000;
}

interface Running {
  process: FastcacheProcess;
  port: number;
  bind: string;
}

async function start(): Promise<Running> {
  const process = new FastcacheProcess(['primary', 'start', '--bind', ':0', '--listen', ':0']);
  const { listen, bind } = await process.event('ready');
  const port = portOf(listen);
  await fill(port, KEYS);
  return { process, port, bind: String(bind) };
}

/** Returns the CPU seconds of each server while `work` goes on, and how long it takes, seconds. */
async function costOf(servers: readonly Running[], work: () => Promise<unknown>) {
  const before = servers.map(({ process }) => cpuSeconds(process.pid));
  const startedMs = performance.now();
  await work();
  const seconds = (performance.now() - startedMs) / 1000;
  return { seconds, cpu: servers.map(({ process }, at) => cpuSeconds(process.pid) - before[at]!) };
}

async function measure(servers: readonly [Running, Running], status: number): Promise<void> {
  const { seconds, cpu } = await costOf(servers, async () => {
    const result = await runCommand(['verify', ...servers.map(({ bind }) => bind)]);
    if (result.status !== status) throw new Error(`verify ended with ${result.status}: ${result.stderr}`);
    console.log(result.stdout.trimEnd().split('\n').at(-1));
  });
  const idle = await costOf(servers, () => new Promise((resolve) => setTimeout(resolve, seconds * 1000)));
  const used = cpu.map((of, at) => `${(of - idle.cpu[at]!).toFixed(2)} s`).join(' and ');
  console.log(`  ${seconds.toFixed(1)} s; CPU time of the servers ${used}`);
}

const servers = [await start(), await start()] as const;
try {
  await measure(servers, 0);
  const client = await RespClient.connect(`127.0.0.1:${servers[1].port}`);
  for (let at = 0; at < DIFFERENCES; at++) {
    const key = `key:${String(Math.floor((KEYS / DIFFERENCES) * at)).padStart(12, '0')}`;
    await client.command('SET', key, 'another');
  }
  client.close();
  await measure(servers, 1);
} finally {
  await Promise.all(servers.map(({ process }) => process.kill('SIGTERM')));
}
