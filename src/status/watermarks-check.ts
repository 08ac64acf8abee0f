/**
 * Checks that replication is as it should be, as monitoring asks it (`watermarks --check`): findings, each
 * with one of the four states of Nagios' plugins, whose exit statuses they are.
 */
import type { ErrorCode } from '../errors.js';
import { replicaText } from '../replication/primary/replica-info.js';
import { divergenceText } from './divergence-entry.js';
import type { ReplicaEntry } from './replica-entry.js';
import type { LinkEntry } from './status-document.js';
import { type EndpointAnswer, standingOf } from './watermarks.js';

/** The states in the order of their exit statuses. */
export const checkStates = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const;
/** A state of a finding, in the words of Nagios. */
export type CheckState = (typeof checkStates)[number];

/** The rules that replicas are checked by. */
export interface CheckRules extends LagLimits {
  /** How many replicas must be connected, or their names or addresses; undefined: one to each primary. */
  expected: number | readonly string[] | undefined;
  /** Whether replicas that are gone are no finding. */
  ignoresGone: boolean;
}

/** The most that a live replica may lag, by either measure; undefined: no limit. */
export interface LagLimits {
  /** Milliseconds; more is critical, more than half of it a warning. The same goes for the records below. */
  maxLagMs: number | undefined;
  maxLagRecords: number | undefined;
}

/** One observation about an endpoint. */
export interface Finding {
  state: CheckState;
  /** The text, which names its endpoint; peers' words in it are raw. */
  text: string;
}

/** The outcome of a check over all endpoints. */
export interface Verdict {
  state: CheckState;
  /** The findings, the worst first; one that is OK when there is nothing else. */
  findings: Finding[];
  /**
   * The most milliseconds that any live replica lags; below, the most records. null: there is none, or the
   * lag of one is not known.
   */
  worstLagMs: number | null;
  worstLagRecords: number | null;
}

/** A replica that has come so often within a minute does not come to stay. */
const LOOP_COMINGS = 5;

/** The order in which states are reported: a known fault comes before an unknown state. */
const severity: readonly CheckState[] = ['CRITICAL', 'WARNING', 'UNKNOWN', 'OK'];

/**
 * The errors of a server that does not answer, which is the fault that is looked for; any other fault means
 * that nothing could be learnt.
 */
const absences: ReadonlySet<ErrorCode> = new Set([
  'PRIMARY_UNREACHABLE',
  'CONNECTION_LOST',
  'PEER_SILENT',
] as const);

/** Judges the answers of all endpoints. */
export function checkEndpoints(answers: readonly EndpointAnswer[], rules: CheckRules): Verdict {
  const live = answers.flatMap(liveReplicas);
  const isWhole = answers.every((answer) => 'status' in answer && answer.status !== undefined);
  const worst = (lags: (number | null)[]) =>
    lags.length === 0 || !isWhole || lags.includes(null) ? null : Math.max(...lags.map(Number));
  const worstLagMs = worst(live.map(({ lagMs }) => lagMs));
  const worstLagRecords = worst(live.map(({ lagRecords }) => lagRecords));
  const faults = answers.flatMap((answer) => findingsOf(answer, rules));
  if (rules.expected !== undefined) faults.push(...absentFindings(answers, rules.expected));
  const allWell: Finding = {
    state: 'OK',
    text: liveText(live.length, worstLagRecords, worstLagMs),
  };
  const findings = faults.length === 0 ? [allWell] : faults.sort(bySeverity);
  return { state: findings[0]!.state, findings, worstLagMs, worstLagRecords };
}

function liveText(count: number, records: number | null, ms: number | null): string {
  if (records === null || ms === null) return `replicas live: ${count}`;
  return `replicas live: ${count}, at most ${records} records and ${ms} ms behind`;
}

/** The exit status for a state: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. */
export function checkStatus(state: CheckState): number {
  return checkStates.indexOf(state);
}

/** Finds who is expected and not connected to any of the endpoints. */
function absentFindings(
  answers: readonly EndpointAnswer[],
  expected: NonNullable<CheckRules['expected']>,
): Finding[] {
  const connected = answers.flatMap(replicasOf).filter(({ state }) => state !== 'gone');
  if (typeof expected === 'number') {
    if (connected.length >= expected) return [];
    return [{ state: 'CRITICAL', text: `replicas connected: ${connected.length}, expected: ${expected}` }];
  }
  const names = new Set(connected.flatMap(({ name, announced, address }) => [name, announced, address]));
  return expected
    .filter((name) => !names.has(name))
    .map((name) => ({ state: 'CRITICAL', text: `replica ${name} is expected and is not connected` }));
}

function findingsOf(answer: EndpointAnswer, rules: CheckRules): Finding[] {
  const { endpoint } = answer;
  const finding = (state: CheckState, text: string): Finding => ({ state, text: `${endpoint}: ${text}` });
  if ('fault' in answer) {
    const { code, message } = answer.fault;
    return [finding(absences.has(code) ? 'CRITICAL' : 'UNKNOWN', message)];
  }
  const { status } = answer;
  if (status === undefined) return [finding('UNKNOWN', 'a Rust primary does not tell of its replicas')];
  const found = status.replicas.flatMap((replica) => {
    if (replica.state === 'gone' && rules.ignoresGone) return [];
    const worst = worstOf(replicaFindings(replica, answer.watermarks, rules));
    return worst === undefined ? [] : [finding(worst.state, `replica ${replicaText(replica)} ${worst.text}`)];
  });
  const needsOne = rules.expected === undefined && status.role === 'primary';
  if (needsOne && status.replicas.every(({ state }) => state === 'gone')) {
    found.push(finding('WARNING', 'no replica is connected'));
  }
  for (const history of status.foreignHistories) {
    found.push(
      finding('CRITICAL', `a replica keeps the history ${history} and takes in nothing of this one`),
    );
  }
  for (const { address, heldBytes, mostBytes } of status.fullReplicas) {
    const numbers = `${heldBytes} of the ${mostBytes} bytes that it has at most are taken`;
    found.push(finding('CRITICAL', `replica ${address} cannot hold what this one has: ${numbers}`));
  }
  if (status.diverges !== null) {
    found.push(
      finding('CRITICAL', `its content is not what it should be: ${divergenceText(status.diverges)}`),
    );
  }
  if (status.unlistedReplicas > 0) {
    found.push(finding('UNKNOWN', `its answer has no room for ${status.unlistedReplicas} more replicas`));
  }
  const link = status.link === null ? undefined : worstOf(linkFindings(status.link, rules));
  if (link !== undefined) found.push(finding(link.state, link.text));
  return found;
}

function* replicaFindings(
  replica: ReplicaEntry,
  watermarks: readonly bigint[],
  { maxLagMs, maxLagRecords }: LagLimits,
): Generator<Finding> {
  const { state, lagMs, lagRecords, canResume, sinceAckSeconds, comings } = replica;
  if (replica.diverges !== null) {
    const text = `does not hold what this one has: ${divergenceText(replica.diverges)}`;
    yield { state: 'CRITICAL', text };
  } else if (standingOf(replica, watermarks) === 'diverging') {
    yield { state: 'CRITICAL', text: 'holds more than the primary has: it diverges' };
  }
  if (comings !== null && comings >= LOOP_COMINGS) {
    const loop = `has come ${comings} times within a minute: it is in a loop of reconnecting`;
    yield { state: 'CRITICAL', text: `${loop}; the logs of both sides say why` };
  }
  if (state === 'gone') {
    const since = `is gone, last heard of ${sinceAckSeconds} s ago`;
    if (canResume) yield { state: 'WARNING', text: `${since}; the backlog still has what it lacks` };
    else yield { state: 'CRITICAL', text: `${since}; it needs a snapshot when it comes back` };
  } else if (state !== 'live') {
    yield { state: 'WARNING', text: state === 'snapshot' ? 'is taking a snapshot in' : 'is catching up' };
  } else {
    if (lagRecords !== null) yield* lagFindings(lagRecords, maxLagRecords, 'records');
    if (lagMs !== null) yield* lagFindings(lagMs, maxLagMs, 'ms');
    else if (maxLagMs !== undefined) yield { state: 'CRITICAL', text: unknownLag(lagRecords, maxLagMs) };
    if (lagRecords !== null && lagRecords > 0 && !canResume) {
      yield { state: 'WARNING', text: 'lacks more than the backlog has: cut off it would need a snapshot' };
    }
  }
}

/** A lag is not known where it has become too long to be known. */
function unknownLag(records: number | null, allowedMs: number): string {
  const lacks = records === null ? '' : ` lacks ${records} records and`;
  return `${lacks} lags for longer than is known, ${allowedMs} ms are allowed`.trimStart();
}

function* linkFindings({ primary, state, lagMs }: LinkEntry, { maxLagMs }: LagLimits): Generator<Finding> {
  if (state !== 'live') yield { state: 'CRITICAL', text: `its link to ${primary} is not live (${state})` };
  else if (lagMs !== null) yield* lagFindings(lagMs, maxLagMs, 'ms');
}

function* lagFindings(lag: number, limit: number | undefined, unit: string): Generator<Finding> {
  if (limit === undefined || lag <= limit / 2) return;
  const text = `lags ${lag} ${unit}, ${limit} are allowed`;
  yield { state: lag > limit ? 'CRITICAL' : 'WARNING', text };
}

function worstOf(findings: Iterable<Finding>): Finding | undefined {
  return [...findings].sort(bySeverity)[0];
}

function bySeverity(left: Finding, right: Finding): number {
  return severity.indexOf(left.state) - severity.indexOf(right.state);
}

function replicasOf(answer: EndpointAnswer): readonly ReplicaEntry[] {
  return 'fault' in answer ? [] : (answer.status?.replicas ?? []);
}

function liveReplicas(answer: EndpointAnswer): ReplicaEntry[] {
  return replicasOf(answer).filter(({ state }) => state === 'live');
}
