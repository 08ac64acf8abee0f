/**
 * `watermarks --wait`: waits until all replicas have what their primary had when it was first asked. A
 * replica that was gone already is not waited for; one that leaves meanwhile is, and so is the first one
 * where there is none.
 */
import { type Clock, pause, type Timers } from '../../clock.js';
import { FastcacheError } from '../../errors.js';
import { watermarkOf } from '../../replication/watermarks.js';
import type { ReplicaEntry } from '../../status/replica-entry.js';
import type { StatusDocument } from '../../status/status-document.js';
import { type EndpointAnswer, endpointJson } from '../../status/watermarks.js';
import { escapeText } from '../terminal/escape.js';
import { toJson } from '../terminal/json.js';
import type { Output } from '../terminal/output.js';
import { formatNumber } from '../terminal/text.js';
import { unlessStopped } from './each-look.js';
import { type Endpoint, lookAtAll } from './endpoint.js';

/** The servers to wait for, and the limits of the wait. */
export interface WaitOptions {
  endpoints: readonly Endpoint[];
  /** Milliseconds until the wait ends; 0: it does not. */
  timeoutMs: number;
  clock: Clock;
  timers: Timers;
  json: boolean;
  output: Output;
  warn(message: string): void;
}

/** Milliseconds between two questions; a server answers those of a connection ten times a second. */
const PAUSE_MS = 100;

/** The lag of a replica that is waited for; or there is no replica. */
interface Lack {
  endpoint: string;
  /** The replica's name; null when there is no replica. */
  replica: string | null;
  state: ReplicaEntry['state'] | null;
  /** Records that it lacks; null while they are not known, because the replica takes in a snapshot. */
  records: number | null;
}

/** The answers of one look, and the lags of replicas by them. */
interface Looked {
  answers: EndpointAnswer[];
  lacks: Lack[];
}

interface Target {
  history: string | null;
  watermarks: readonly bigint[];
  /** The replicas that were gone at the first answer. */
  absent: ReadonlySet<string>;
}

/**
 * Resolves with true when all replicas have all, and with false after the timeout, having written what is
 * missing. Throws an endpoint's fault, `PEER_SILENT` when nothing was answered until then, `STATUS_NOT_TOLD`
 * for a Rust primary, and `HISTORY_DIFFERS` when a primary begins another history.
 */
export async function waitForReplicas(options: WaitOptions): Promise<boolean> {
  const { endpoints, timeoutMs, clock, timers, json, output, warn } = options;
  const deadlineUs = timeoutMs === 0 ? Number.POSITIVE_INFINITY : clock.monotonicUs() + timeoutMs * 1000;
  const targets = new Map<string, Target>();
  const write = ({ answers, lacks }: Looked) =>
    json
      ? output.line(toJson({ endpoints: answers.map(endpointJson), lacking: lacks }))
      : output.write(lacksText(lacks));
  const ending = new AbortController();
  const deadline = timeoutMs === 0 ? undefined : timers.after(timeoutMs, () => ending.abort());
  let last: Looked | undefined;
  try {
    for (;;) {
      // A server that is silent must not make the wait longer.
      const answers = await unlessStopped(lookAtAll(endpoints), ending.signal);
      if (answers === undefined) {
        if (last === undefined) throw notAnswered(endpoints, timeoutMs);
        await write(last);
        return false;
      }
      const lacks = answers.flatMap((answer) => {
        if ('fault' in answer) throw answer.fault;
        const { endpoint, status } = answer;
        if (status === undefined) throw notTold(endpoint);
        const target = targets.get(endpoint) ?? newTarget(endpoint, status, warn);
        targets.set(endpoint, target);
        return lacking(endpoint, status, target);
      });
      last = { answers, lacks };
      if (lacks.length === 0 || clock.monotonicUs() >= deadlineUs) {
        await write(last);
        return lacks.length === 0;
      }
      await pause(timers, PAUSE_MS, ending.signal);
    }
  } finally {
    deadline?.cancel();
  }
}

function notAnswered(endpoints: readonly Endpoint[], timeoutMs: number): FastcacheError {
  const [only] = endpoints;
  const who = endpoints.length === 1 && only !== undefined ? only.name : 'One of the servers';
  return new FastcacheError('PEER_SILENT', `${who} has not answered within ${timeoutMs / 1000} s.`);
}

function newTarget(endpoint: string, status: StatusDocument, warn: (message: string) => void): Target {
  const { history, watermarks, replicas, unlistedReplicas } = status;
  const absent = replicas.filter(({ state }) => state === 'gone').map(({ address }) => address);
  for (const address of absent) warn(`${endpoint}: replica ${address} is gone and is not waited for.`);
  for (const { address } of replicas.filter(({ acknowledges, state }) => !acknowledges && state === 'live')) {
    warn(`${endpoint}: replica ${address} acknowledges nothing: the records that it was sent count.`);
  }
  if (unlistedReplicas > 0) warn(`${endpoint}: ${unlistedReplicas} more replicas are not listed.`);
  return { history, watermarks, absent: new Set(absent) };
}

function lacking(endpoint: string, status: StatusDocument, { history, watermarks, absent }: Target): Lack[] {
  if (status.history !== history) {
    throw new FastcacheError(
      'HISTORY_DIFFERS',
      `${endpoint} began another history: the writes that are waited for may be lost.`,
      { address: endpoint, expected: history ?? 'none', found: status.history ?? 'none' },
    );
  }
  const lacks = status.replicas.flatMap((replica): Lack[] => {
    const { address, state } = replica;
    if (state === 'gone' && absent.has(address)) return [];
    const records = state === 'snapshot' ? null : recordsLacking(replica, watermarks, status.base ?? 0n);
    return records === 0 ? [] : [{ endpoint, replica: address, state, records }];
  });
  const isAlone = status.replicas.every(({ state }) => state === 'gone');
  return isAlone ? [...lacks, { endpoint, replica: null, state: null, records: null }] : lacks;
}

/**
 * The number of records that a replica lacks in all shards. Sequences up to the base were never given out.
 */
function recordsLacking({ watermarks: held }: ReplicaEntry, target: readonly bigint[], base: bigint): number {
  return target.reduce((sum, wanted, shard) => {
    const own = watermarkOf(held, shard);
    return wanted > own ? sum + Number(wanted - (own > base ? own : base)) : sum;
  }, 0);
}

function lacksText(lacks: readonly Lack[]): string {
  return lacks
    .map(({ endpoint, replica, state, records }) => {
      const place = escapeText(endpoint);
      if (replica === null) return `${place}: no replica is connected\n`;
      const what = records === null ? 'the snapshot that it takes in' : `${formatNumber(records)} records`;
      return `${place}: replica ${escapeText(replica)} (${state}) lacks ${what}\n`;
    })
    .join('');
}

function notTold(endpoint: string): FastcacheError {
  return new FastcacheError(
    'STATUS_NOT_TOLD',
    `${endpoint} is a Rust primary and does not report its replicas.`,
    {
      address: endpoint,
    },
  );
}
