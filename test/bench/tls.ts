/**
 * The cost of TLS for clients: redis-benchmark by turns without and with it, ours and redis-server, without
 * replicas.
 */
import { FastcacheProcess, freePort } from '../support/processes.js';
import { RedisServer, redisBenchmark } from '../support/redis.js';
import { tlsFile } from '../support/tls.js';
import { cpuMs } from './process-figures.js';
import { median } from './statistics.js';

const ROWS = [
  { test: 'SET', pipeline: 1, requests: 40_000 },
  { test: 'SET', pipeline: 16, requests: 300_000 },
  { test: 'GET', pipeline: 16, requests: 300_000 },
] as const;
const KEYS = 100_000;
const CERTIFICATE = { cert: tlsFile('server.crt'), key: tlsFile('server.key'), ca: tlsFile('ca.crt') };

/** A server with a plain port and one of TLS. */
interface Rival {
  readonly pid: number;
  readonly port: number;
  readonly tlsPort: number;
  stop(): Promise<unknown>;
}

/** Medians of the rounds. */
interface Figure {
  readonly plainPerSecond: number;
  readonly tlsPerSecond: number;
  /** CPU time of the server a request over TLS; NaN where the system does not say. */
  readonly tlsCpuUs: number;
}

export interface TlsFigure {
  readonly test: string;
  readonly pipeline: number;
  readonly fastcache: Figure;
  readonly redis: Figure;
  /** Ours beside redis-server, both over TLS: the median of the rounds' ratios. */
  readonly ratio: number;
}

export async function benchTls({ rounds, scale }: { rounds: number; scale: number }): Promise<TlsFigure[]> {
  const rivals = [await startFastcache(), await startRedis()];
  const figures: TlsFigure[] = [];
  try {
    for (const { test, pipeline, requests } of ROWS) {
      const runs = rivals.map((): Run[] => []);
      const flags = { t: test.toLowerCase(), P: pipeline, n: Math.max(5_000, Math.round(requests * scale)) };
      for (let round = 0; round < rounds; round += 1) {
        for (const [index, rival] of rivals.entries()) runs[index]!.push(await measure(rival, test, flags));
      }
      const [ours, theirs] = runs;
      const ratios = ours!.map(({ tlsPerSecond }, round) => tlsPerSecond / theirs![round]!.tlsPerSecond);
      const [fastcache, redis] = runs.map(medians);
      figures.push({ test, pipeline, fastcache: fastcache!, redis: redis!, ratio: median(ratios) });
    }
    return figures;
  } finally {
    for (const rival of rivals) await rival.stop();
  }
}

type Run = Figure;

async function measure(
  { pid, port, tlsPort }: Rival,
  test: string,
  given: { t: string; P: number; n: number },
): Promise<Run> {
  const flags = { ...given, r: KEYS, d: 64, c: 50 };
  const plain = await redisBenchmark(port, flags);
  const before = cpuMs(pid) ?? Number.NaN;
  const tls = await redisBenchmark(tlsPort, { ...flags, '-tls': true, '-cacert': CERTIFICATE.ca });
  const spentMs = (cpuMs(pid) ?? Number.NaN) - before;
  return {
    plainPerSecond: plain[test]!.perSecond,
    tlsPerSecond: tls[test]!.perSecond,
    tlsCpuUs: (spentMs * 1_000) / given.n,
  };
}

function medians(runs: readonly Run[]): Figure {
  const of = (part: (run: Run) => number) => median(runs.map(part));
  return {
    plainPerSecond: of((run) => run.plainPerSecond),
    tlsPerSecond: of((run) => run.tlsPerSecond),
    tlsCpuUs: of((run) => run.tlsCpuUs),
  };
}

async function startFastcache(): Promise<Rival> {
  const ports = ['--bind', ':0', '--listen', ':0', '--listen-tls', ':0'];
  const certificate = ['--tls-cert', CERTIFICATE.cert, '--tls-key', CERTIFICATE.key];
  const server = new FastcacheProcess(['primary', 'start', ...ports, ...certificate]);
  const { listen, listenTls } = await server.event('ready');
  const portOf = (address: unknown) => Number(String(address).split(':')[1]);
  return {
    pid: server.pid,
    port: portOf(listen),
    tlsPort: portOf(listenTls),
    stop: () => server.kill('SIGTERM'),
  };
}

async function startRedis(): Promise<Rival> {
  const tlsPort = await freePort();
  const { cert, key, ca } = CERTIFICATE;
  const server = await RedisServer.start(
    ...['--tls-port', String(tlsPort), '--tls-auth-clients', 'no'],
    ...['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', ca],
  );
  return { pid: server.pid, port: server.port, tlsPort, stop: () => server.kill() };
}
