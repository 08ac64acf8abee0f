/**
 * Watermarks as a table for a person: the backlog's window and the state of each replica first, then the
 * shards, as `+n` past the base of the history with the exact sequence beside it (docs/architecture.md,
 * "Histories").
 */
import chalk, { type ChalkInstance } from 'chalk';
import { shownName } from '../../replication/primary/replica-info.js';
import { watermarkOf } from '../../replication/watermarks.js';
import type { ReplicaEntry } from '../../status/replica-entry.js';
import type { StatusDocument } from '../../status/status-document.js';
import { type EndpointWatermarks, type Standing, standingOf } from '../../status/watermarks.js';
import { alignCells, type Cell } from '../terminal/columns.js';
import { escapeText } from '../terminal/escape.js';
import { countText, formatDuration, formatNumber } from '../terminal/text.js';

const standingColors: Record<Standing, ChalkInstance> = {
  live: chalk.green,
  behind: chalk.yellow,
  'catching-up': chalk.yellow,
  snapshot: chalk.yellow,
  gone: chalk.red,
  diverging: chalk.red,
};
const UNKNOWN = '-';

/** The table of one endpoint, line ends included. */
export function watermarksText(answer: EndpointWatermarks): string {
  const { status } = answer;
  const lines = [titleLine(answer)];
  if (status !== undefined) {
    if (status.link !== null) lines.push(linkLine(status.link));
    lines.push(windowLine(status), ...replicaLines(status));
  }
  lines.push(...shardLines(answer));
  return `${lines.join('\n')}\n`;
}

function titleLine({ endpoint, role, history }: EndpointWatermarks): string {
  const historyText = history === null ? 'history not known' : `history ${history}`;
  return [chalk.bold(escapeText(endpoint)), role, historyText].join('  ');
}

function linkLine({ primary, state, sinceHeardMs, lagMs }: NonNullable<StatusDocument['link']>): string {
  const color = state === 'live' ? chalk.green : chalk.red;
  const lag = lagMs === null ? '' : `, ${formatNumber(lagMs)} ms behind`;
  const heard = `last heard ${formatDuration(BigInt(sinceHeardMs))} ago`;
  return `of ${escapeText(primary)}  ${color(escapeText(state))}${lag}, ${heard}`;
}

function windowLine({ backlog: { bytes, records, limitBytes, windowMs } }: StatusDocument): string {
  const window =
    windowMs === null
      ? 'any time, nothing is written'
      : `${chalk.bold(formatDuration(BigInt(windowMs)))} at this write rate`;
  const held = countText(records, 'record', 'records');
  const kept = `${formatNumber(bytes)} of ${formatNumber(limitBytes)} bytes, ${held}`;
  return `may be away ${window}  backlog ${kept}`;
}

function replicaLines({ replicas, watermarks, unlistedReplicas }: StatusDocument): string[] {
  if (replicas.length === 0) return [chalk.dim('no replicas')];
  // The lag has two columns: records and ms.
  const heading = ['', 'state', 'lag', 'ms', 'replica', ''].map(
    (text): Cell => ({ text, isLeft: text === 'state' || text === 'replica', style: chalk.dim }),
  );
  const rows = replicas.map((replica, index): Cell[] => {
    const standing = standingOf(replica, watermarks);
    const style = standingColors[standing];
    return [
      { text: `#${index + 1}` },
      { text: standing, isLeft: true, style },
      { text: numberText(replica.lagRecords), style },
      { text: numberText(replica.lagMs), style },
      { text: escapeText(shownName(replica)), isLeft: true },
      { text: notes(replica).join('; '), isLeft: true },
    ];
  });
  const more = unlistedReplicas === 0 ? [] : [`and ${formatNumber(unlistedReplicas)} more replicas`];
  return [...alignCells([heading, ...rows]), ...more];
}

function notes({
  state,
  acknowledges,
  canResume,
  leewayMs,
  sinceAckSeconds,
  queuedBytes,
}: ReplicaEntry): string[] {
  const all: string[] = [];
  if (state === 'gone') all.push(`heard ${formatDuration(BigInt(sinceAckSeconds) * 1000n)} ago`);
  if (state !== 'snapshot') {
    if (!canResume) all.push(chalk.red(state === 'gone' ? 'needs a snapshot' : 'out of the backlog'));
    else if (state === 'gone' && leewayMs !== null) {
      all.push(`can resume for ${formatDuration(BigInt(leewayMs))}`);
    }
  }
  if (queuedBytes !== null && queuedBytes > 0) all.push(`${formatNumber(queuedBytes)} bytes queued`);
  if (!acknowledges && state !== 'snapshot') all.push('acknowledges nothing: what it was sent');
  return all;
}

function shardLines({ watermarks, base, status }: EndpointWatermarks): string[] {
  const replicas = status?.replicas ?? [];
  const columns = replicas.map((replica) => replicaColumn(replica, watermarks, base));
  const heading = [
    'shard',
    ...(base === null ? [] : ['past base']),
    'watermark',
    ...replicas.flatMap((_, index) => [`#${index + 1}`, 'lag', 'ms']),
  ].map((text): Cell => ({ text, style: chalk.dim }));
  const rows = watermarks.map((watermark, shard): Cell[] => [
    { text: `${shard}` },
    ...(base === null ? [] : [{ text: signed(watermark - base) }]),
    { text: `${watermark}` },
    ...columns.flatMap(({ cells }) => cells[shard]!),
  ]);
  const sum = watermarks.reduce((total, watermark) => total + watermark, 0n);
  const total: Cell[] = [
    { text: 'total' },
    ...(base === null
      ? [{ text: `${sum}` }]
      : [{ text: signed(sum - base * BigInt(watermarks.length)) }, { text: '' }]),
    ...columns.flatMap((column) => column.total),
  ];
  return alignCells([heading, ...rows, total]);
}

/** The cells of a replica: its watermark and its lag in each shard, and its lag over all shards. */
function replicaColumn(replica: ReplicaEntry, watermarks: readonly bigint[], base: bigint | null) {
  const { watermarks: held, shardLagRecords, shardLagMs, lagRecords, lagMs } = replica;
  const standing = standingOf(replica, watermarks);
  const style = standingColors[standing];
  const cells = watermarks.map((watermark, shard): Cell[] => {
    const own = watermarkOf(held, shard);
    const shardStyle = own > watermark ? standingColors.diverging : style;
    return [
      { text: held.length === 0 ? UNKNOWN : past(own, base), style: shardStyle },
      { text: numberText(shardLagRecords[shard] ?? null), style: shardStyle },
      { text: numberText(shardLagMs[shard] ?? null), style: shardStyle },
    ];
  });
  const total: Cell[] = [
    { text: '' },
    { text: numberText(lagRecords), style },
    { text: numberText(lagMs), style },
  ];
  return { cells, total };
}

function numberText(value: number | null): string {
  return value === null ? UNKNOWN : formatNumber(value);
}

function past(watermark: bigint, base: bigint | null): string {
  return base === null ? `${watermark}` : signed(watermark - base);
}

/** A difference with its sign: `+1,204`. Below the base it is negative: that replica has another history. */
function signed(difference: bigint): string {
  return difference < 0n ? `-${formatNumber(-difference)}` : `+${formatNumber(difference)}`;
}
