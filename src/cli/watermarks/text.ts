/**
 * Watermarks as a person reads them: totals, the write rate and the backlog's window first, then one row for
 * each replica, and the shards where they are asked for (shard-lines.ts).
 */
import chalk, { type ChalkInstance } from 'chalk';
import { shownName } from '../../replication/primary/replica-info.js';
import { divergenceText } from '../../status/divergence-entry.js';
import type { ReplicaEntry } from '../../status/replica-entry.js';
import type { StatusDocument } from '../../status/status-document.js';
import { type EndpointWatermarks, type Standing, standingOf } from '../../status/watermarks.js';
import { alignCells, type Cell, fitFirst, wrapParts } from '../terminal/columns.js';
import { escapeText } from '../terminal/escape.js';
import type { Terminal } from '../terminal/live-screen.js';
import { terminalSize } from '../terminal/size.js';
import {
  countText,
  formatBytes,
  formatDuration,
  formatNumber,
  formatShort,
  shortDuration,
} from '../terminal/text.js';
import { shardLines } from './shard-lines.js';

/** The size and the parts of the table. */
export interface TableOptions {
  /** Columns of the terminal; infinite where there is none. */
  width: number;
  showsShards: boolean;
}

/** Returns how the table is to be on this terminal, which is undefined where there is none. */
export function tableOptions({
  terminal,
  showsShards,
}: Pick<TableOptions, 'showsShards'> & { terminal: Terminal | undefined }): TableOptions {
  const width = terminal === undefined ? Number.POSITIVE_INFINITY : terminalSize(terminal).columns;
  return { width, showsShards };
}

/** The colour of each standing. */
export const standingColors: Record<Standing, ChalkInstance> = {
  live: chalk.green,
  behind: chalk.yellow,
  'catching-up': chalk.yellow,
  snapshot: chalk.yellow,
  gone: chalk.red,
  diverging: chalk.red,
};
const UNKNOWN = '-';
/** A narrower terminal is not shown all columns. */
export const WIDE_FROM = 80;

/** A column of the replicas' table. */
interface Column {
  readonly name: string;
  readonly isLeft?: boolean;
  /** A narrow terminal is not shown it. */
  readonly isSpare?: boolean;
  cell(replica: ReplicaEntry, standing: Standing): Cell;
}

const columns: readonly Column[] = [
  {
    name: 'replica',
    isLeft: true,
    cell: (replica) => ({ text: escapeText(shownName(replica)), isLeft: true }),
  },
  {
    name: 'state',
    isLeft: true,
    cell: (_, standing) => ({ text: standing, isLeft: true, style: standingColors[standing] }),
  },
  {
    name: 'lag ms',
    cell: (replica, standing) => ({ text: lagText(replica.lagMs, replica), style: standingColors[standing] }),
  },
  {
    name: 'records',
    cell: (replica, standing) => ({
      text: lagText(replica.lagRecords, replica),
      style: standingColors[standing],
    }),
  },
  {
    name: 'sent/s',
    isSpare: true,
    cell: ({ sentBytesPerSecond: rate }) => ({ text: rate === null ? UNKNOWN : formatBytes(rate) }),
  },
  { name: 'may be away', cell: leewayCell },
  {
    name: 'since',
    isSpare: true,
    cell: ({ sinceSeconds }) => ({
      text: sinceSeconds === null ? UNKNOWN : shortDuration(sinceSeconds * 1000),
    }),
  },
];

/** The table of one endpoint, line ends included. */
export function watermarksText(answer: EndpointWatermarks, options: TableOptions): string {
  const { status } = answer;
  const lines = [...wrapParts(titleParts(answer), options.width), totalLine(answer)];
  if (status !== undefined) {
    if (status.link !== null) lines.push(linkLine(status.link));
    lines.push(...divergenceLines(status));
    lines.push(...wrapParts(windowParts(status), options.width), ...replicaLines(status, options.width));
  }
  if (options.showsShards) lines.push(...shardLines(answer));
  return `${lines.join('\n')}\n`;
}

function titleParts({ endpoint, role, history }: EndpointWatermarks): string[] {
  const historyText = history === null ? 'history not known' : `history ${history}`;
  return [chalk.bold(escapeText(endpoint)), role, historyText];
}

function totalLine({ watermarks, base, status }: EndpointWatermarks): string {
  const shards = countText(watermarks.length, 'shard', 'shards');
  const sum = watermarks.reduce((total, watermark) => total + watermark, 0n);
  const records =
    base === null
      ? countText(sum, 'record', 'records')
      : `${countText(sum - base * BigInt(watermarks.length), 'record', 'records')} of this history`;
  const queued = status?.replicas.reduce((total, { queuedBytes }) => total + (queuedBytes ?? 0), 0) ?? 0;
  const waits = queued === 0 ? '' : `, ${formatNumber(queued)} bytes queued for replicas`;
  return `${shards}, ${records}${waits}`;
}

/** The server and its replicas whose content is not what it should be. */
function* divergenceLines({ diverges, replicas }: StatusDocument): Generator<string> {
  if (diverges !== null) yield chalk.red(`its content is not what it should be: ${divergenceText(diverges)}`);
  for (const replica of replicas) {
    if (replica.diverges === null) continue;
    const name = escapeText(shownName(replica));
    yield chalk.red(`${name} does not hold what this one has: ${divergenceText(replica.diverges)}`);
  }
}

/** Returns the line of a relay's link to its primary. */
export function linkLine({
  primary,
  state,
  sinceHeardMs,
  lagMs,
}: NonNullable<StatusDocument['link']>): string {
  const color = state === 'live' ? chalk.green : chalk.red;
  const lag = lagMs === null ? '' : `, ${formatNumber(lagMs)} ms behind`;
  const heard = `last heard ${formatDuration(BigInt(sinceHeardMs))} ago`;
  return `of ${escapeText(primary)}  ${color(escapeText(state))}${lag}, ${heard}`;
}

function windowParts({ backlog }: StatusDocument): string[] {
  const { bytes, records, limitBytes, windowMs, bytesPerSecond } = backlog;
  const held = countText(records, 'record', 'records');
  const kept = `backlog ${formatBytes(bytes)} of ${formatBytes(limitBytes)}, ${held}`;
  if (windowMs === null) return ['nothing is written, may be away any time', kept];
  const rate = bytesPerSecond === null ? '' : `written ${formatBytes(bytesPerSecond)}/s, `;
  return [`${rate}may be away ${chalk.bold(shortDuration(windowMs))}`, kept];
}

function replicaLines({ replicas, watermarks, unlistedReplicas }: StatusDocument, width: number): string[] {
  if (replicas.length === 0) return [chalk.dim('no replicas')];
  const shown = width < WIDE_FROM ? columns.filter(({ isSpare }) => !isSpare) : columns;
  const heading = shown.map(({ name, isLeft = false }): Cell => ({ text: name, isLeft, style: chalk.dim }));
  const rows = replicas.map((replica) =>
    shown.map(({ cell }) => cell(replica, standingOf(replica, watermarks))),
  );
  return [
    ...alignCells(fitFirst([heading, ...rows], width)),
    ...(unlistedReplicas === 0 ? [] : [`and ${formatNumber(unlistedReplicas)} more replicas`]),
    ...(replicas.every(({ acknowledges, state }) => acknowledges || state === 'snapshot')
      ? []
      : [chalk.dim('~ acknowledges nothing: counted from what it was sent')]),
  ];
}

/** Returns a lag in ms or records; behind `~` that of a replica which acknowledges nothing. */
export function lagText(value: number | null, { acknowledges }: ReplicaEntry): string {
  return value === null ? UNKNOWN : `${acknowledges ? '' : '~'}${formatShort(value)}`;
}

/** For how long a replica may be away, from now on, before it needs a snapshot. */
function leewayCell({ state, canResume, leewayMs }: ReplicaEntry): Cell {
  if (state === 'snapshot') return { text: UNKNOWN };
  if (!canResume) return { text: 'snapshot', style: chalk.red };
  return { text: leewayMs === null ? 'any time' : shortDuration(leewayMs) };
}
