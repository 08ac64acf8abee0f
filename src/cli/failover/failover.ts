/**
 * `fastcache failover`: asks a primary to hand over to a replica, shows how far it is, and ends when it is
 * known who leads.
 */
import type { Clock, Timers } from '../../clock.js';
import { FastcacheError } from '../../errors.js';
import { countOfInfo, fieldsOfInfo } from '../../redis-client/info.js';
import { RedisSession } from '../../redis-client/session.js';
import { formatAddress, hostOf, parseAddress } from '../../transport/address.js';
import type { Transport } from '../../transport/connection.js';
import { escapeText } from '../terminal/escape.js';
import { toJson } from '../terminal/json.js';
import type { Output } from '../terminal/output.js';
import { StatusLine } from '../terminal/status-line.js';

/** The options of a failover. */
export interface FailoverRun {
  /** The Redis port of the primary, `host:port`. */
  from: string;
  /** The replica, as the primary's INFO shows it; undefined: whichever has all first. */
  to: string | undefined;
  /** Milliseconds to wait for a replica that has all; 0: no limit. */
  timeoutMs: number;
  /** Whether the replica takes over after that time even if it lacks something. */
  isForced: boolean;
  password: string | undefined;
  connectTimeoutMs: number;
  /** Aborted when the failover is to be called off. */
  signal: AbortSignal;
  transport: Pick<Transport, 'connect'>;
  clock: Clock;
  timers: Timers;
  json: boolean;
  output: Output;
  terminal: NodeJS.WriteStream;
}

/** The result of a failover. */
interface Outcome {
  outcome: 'done' | 'given-up';
  from: string;
  /** The new primary, as the old one follows it; null: there is none. */
  to: string | null;
  /** The reason of a failover that was given up; null of one that was not. */
  reason: string | null;
  durationMs: number;
}

/** Milliseconds between two looks at the server. */
const LOOK_MS = 100;

/**
 * Resolves with 0 when a replica has taken over, and with 1 when it was given up. Throws what `RedisSession`
 * throws.
 */
export async function runFailover(run: FailoverRun): Promise<number> {
  const session = new RedisSession({ ...run, address: parseAddress(run.from) });
  const line = run.terminal.isTTY ? new StatusLine(run.terminal) : undefined;
  try {
    await session.open();
    const outcome = await handOver(run, session, (text) => line?.show(text));
    line?.show('');
    await run.output.line(run.json ? toJson({ ...outcome }) : outcomeText(outcome));
    return outcome.outcome === 'done' ? 0 : 1;
  } finally {
    line?.show('');
    session.close();
  }
}

async function handOver(
  run: FailoverRun,
  session: RedisSession,
  show: (text: string) => void,
): Promise<Outcome> {
  const { from, to, timeoutMs, isForced, clock, timers, signal } = run;
  const startUs = clock.monotonicUs();
  const elapsedMs = () => Math.round((clock.monotonicUs() - startUs) / 1000);
  const look = async () => fieldsOfInfo(await session.ask('INFO', 'replication'));
  const before = await look();
  if (before.get('role') !== 'master') throw notPrimary(from, before);
  await session.ask(
    'FAILOVER',
    ...target(to, isForced),
    ...(timeoutMs > 0 ? ['TIMEOUT', `${timeoutMs}`] : []),
  );
  let isCalledOff = false;
  for (;;) {
    if (signal.aborted && !isCalledOff) isCalledOff = await callOff(session, show);
    const fields = await look();
    const state = fields.get('master_failover_state');
    if (state === undefined) throw oddAnswer(from);
    if (state === 'no-failover') return outcomeOf(from, fields, elapsedMs());
    show(`${stateText(state)} (${(elapsedMs() / 1000).toFixed(1)} s)`);
    await new Promise<void>((resolve) => timers.after(LOOK_MS, resolve));
  }
}

/** Calls the failover off. Returns false while the server does not let it be. */
async function callOff(session: RedisSession, show: (text: string) => void): Promise<boolean> {
  try {
    await session.ask('FAILOVER', 'ABORT');
    return true;
  } catch (error) {
    if (!(error instanceof FastcacheError) || error.code !== 'SERVER_REFUSED') throw error;
    show(error.message);
    return false;
  }
}

function target(to: string | undefined, isForced: boolean): string[] {
  if (to === undefined) return [];
  const { port } = parseAddress(to);
  return ['TO', hostOf(to), String(port), ...(isForced ? ['FORCE'] : [])];
}

function outcomeOf(from: string, fields: ReadonlyMap<string, string>, durationMs: number): Outcome {
  if (fields.get('role') !== 'master') {
    const to = primaryIn(fields);
    if (to === undefined) throw oddAnswer(from);
    return { outcome: 'done', from, to, reason: null, durationMs };
  }
  const reason = fields.get('master_failover_fault') ?? 'the server does not say why';
  return { outcome: 'given-up', from, to: null, reason, durationMs };
}

function outcomeText({ outcome, from, to, reason, durationMs }: Outcome): string {
  return outcome === 'done'
    ? `${escapeText(to!)} is the primary now, and ${from} follows it (${durationMs} ms).`
    : `${from} is the primary still: the failover was given up: ${escapeText(reason!)}.`;
}

function stateText(state: string): string {
  return state === 'waiting-for-sync'
    ? 'waits for a replica that has everything'
    : 'a replica takes over; writes wait until it has said so';
}

function notPrimary(from: string, fields: ReadonlyMap<string, string>): FastcacheError {
  const primary = primaryIn(fields);
  if (primary === undefined) return oddAnswer(from);
  const message = `${from} is a replica; ask its primary, ${primary}, to hand over.`;
  return new FastcacheError('SERVER_REFUSED', message, { address: from });
}

/** Returns the primary that a replica follows; undefined: the server does not say one. */
function primaryIn(fields: ReadonlyMap<string, string>): string | undefined {
  const host = fields.get('master_host');
  const port = countOfInfo(fields, 'master_port');
  return host === undefined || port === undefined ? undefined : formatAddress({ host, port });
}

function oddAnswer(from: string): FastcacheError {
  const message =
    `${from} does not say in INFO replication which part it plays: give the Redis port of a primary, ` +
    'and look there who leads.';
  return new FastcacheError('REPLY_MALFORMED', message, { address: from });
}
