/** The replicas of an endpoint on the screen of `top`: a row each, with the lag of the last minute. */
import chalk from 'chalk';
import { shownName } from '../../replication/primary/replica-info.js';
import type { ReplicaEntry } from '../../status/replica-entry.js';
import type { StatusDocument } from '../../status/status-document.js';
import { standingOf } from '../../status/watermarks.js';
import { alignCells, type Cell, fitFirst } from '../terminal/columns.js';
import { escapeText } from '../terminal/escape.js';
import { greatest, sparkline } from '../terminal/sparkline.js';
import { formatBytes, formatNumber, formatShort, shortDuration } from '../terminal/text.js';
import { lagText, standingColors, WIDE_FROM } from '../watermarks/text.js';
import type { EndpointHistory } from './history.js';

/** The least columns of the last cell, which has what room there is. */
const LEAST_COLUMNS = 12;
const MOST_COLUMNS = 60;
/** Columns of all that stands before it: name, state, lag, records, and on a wide terminal what is sent. */
const BEFORE_COLUMNS = 46;

/** Returns the lines of the table, without line ends. */
export function replicaLines(history: EndpointHistory, status: StatusDocument, width: number): string[] {
  const { replicas, unlistedReplicas } = status;
  if (replicas.length === 0) return [chalk.dim('no replicas')];
  const isWide = width >= WIDE_FROM;
  const room = Math.min(MOST_COLUMNS, Math.max(LEAST_COLUMNS, width - BEFORE_COLUMNS - (isWide ? 8 : 0)));
  const names = [
    'replica',
    'state',
    'lag ms',
    'records',
    ...(isWide ? ['sent/s'] : []),
    'last minute of lag',
  ];
  const left = new Set(['replica', 'state', 'last minute of lag']);
  const heading = names.map((text): Cell => ({ text, isLeft: left.has(text), style: chalk.dim }));
  const rows = replicas.map((replica): Cell[] => {
    const standing = standingOf(replica, status.watermarks);
    const style = standingColors[standing];
    return [
      { text: escapeText(shownName(replica)), isLeft: true },
      { text: standing, isLeft: true, style },
      { text: lagText(replica.lagMs, replica), style },
      { text: lagText(replica.lagRecords, replica), style },
      ...(isWide ? [{ text: sentText(replica) }] : []),
      { text: courseText(history, replica, room), isLeft: true },
    ];
  });
  return [
    ...alignCells(fitFirst([heading, ...rows], width)),
    ...(unlistedReplicas === 0 ? [] : [`and ${formatNumber(unlistedReplicas)} more replicas`]),
  ];
}

function sentText({ sentBytesPerSecond: rate }: ReplicaEntry): string {
  return rate === null ? '-' : formatBytes(rate);
}

/**
 * Returns the lag of the last minute; of a replica that takes a snapshot how far that is, and of one that is
 * gone since when.
 */
function courseText(history: EndpointHistory, replica: ReplicaEntry, room: number): string {
  const { state, sinceSeconds, canResume, leewayMs } = replica;
  const name = shownName(replica);
  if (state === 'gone') {
    const since = sinceSeconds === null ? 'gone' : `gone ${shortDuration(sinceSeconds * 1000)}`;
    if (!canResume) return `${since}, needs a snapshot`;
    return leewayMs === null ? since : `${since}, can resume for ${shortDuration(leewayMs)}`;
  }
  if (state === 'snapshot') {
    const join = history.join(name);
    if (join === undefined) return '';
    const { percent, leftMs } = join;
    return leftMs === undefined ? `${percent} %` : `${percent} %, ${shortDuration(Math.round(leftMs))} left`;
  }
  const lags = history.lags(name);
  if (lags.length === 0) return '';
  const most = `most ${formatShort(greatest(lags))} ms`;
  const bars = Math.max(0, room - most.length - 1);
  return `${sparkline(lags.slice(-bars)).padStart(Math.min(bars, lags.length))} ${most}`;
}
