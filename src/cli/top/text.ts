/** The screen of `top`: a heading, and for each endpoint its figures and one of the views below them. */
import chalk from 'chalk';
import type { HotKeyEntry, ServerEntry } from '../../status/server-entry.js';
import type { EndpointWatermarks } from '../../status/watermarks.js';
import { errorText } from '../command/error-rendering.js';
import { alignCells, wrapParts, wrapWords } from '../terminal/columns.js';
import { escapeText, quoteBytes } from '../terminal/escape.js';
import { greatest, sparkline } from '../terminal/sparkline.js';
import {
  countText,
  formatBytes,
  formatNumber,
  formatShort,
  formatTime,
  shortDuration,
} from '../terminal/text.js';
import { shardLines } from '../watermarks/shard-lines.js';
import { linkLine } from '../watermarks/text.js';
import type { EndpointHistory, Rates, Series } from './history.js';
import { KEPT } from './history.js';
import { replicaLines } from './replica-lines.js';

/** The part below the figures. */
export type View = 'replicas' | 'shards' | 'hot' | 'commands' | 'log';

/** The views, by the key that switches to each, and how the heading names them. */
export const views: Readonly<Record<string, View>> = {
  r: 'replicas',
  s: 'shards',
  h: 'hot',
  c: 'commands',
  l: 'log',
};
const viewTitles: Record<View, string> = {
  replicas: 'replicas',
  shards: 'shards',
  hot: 'hot',
  commands: 'slow',
  log: 'log',
};

/** The size and the parts of the screen. */
export interface ScreenOptions {
  /** Columns of the terminal. */
  width: number;
  view: View;
  /** Unix ms. */
  nowMs: number;
  /** Whether there is a keyboard, whose keys the heading names. */
  hasKeys: boolean;
}

const LEAST_KEY_COLUMNS = 12;
/** Columns of what stands before a key, and of the length behind it. */
const BEFORE_KEY_COLUMNS = 34;
const LABEL_COLUMNS = 'to replicas '.length;
const VALUE_COLUMNS = 10;
const GAP_COLUMNS = 2;
const LEVEL_COLUMNS = 'error'.length;
const BEFORE_MESSAGE_COLUMNS = '12:30:01  error  '.length;
const AGO_COLUMNS = '59m59s ago'.length;

/** A rate, its last minute, and how a value of it is written. */
interface RateRow {
  readonly label: string;
  readonly series: Series;
  text(value: number): string;
}

/** Returns the lines of the screen, without line ends. */
export function screenLines(histories: readonly EndpointHistory[], options: ScreenOptions): string[] {
  return [heading(options), ...histories.flatMap((history) => ['', ...endpointLines(history, options)])];
}

function heading({ nowMs, view, hasKeys }: ScreenOptions): string {
  const time = formatTime(BigInt(nowMs)).slice(11, 19);
  if (!hasKeys) return chalk.dim(`${time} UTC`);
  const keys = Object.entries(views).map(([key, name]) => {
    const text = `${key} ${viewTitles[name]}`;
    return name === view ? chalk.bold(text) : chalk.dim(text);
  });
  return [chalk.dim(`${time}Z`), ...keys, chalk.dim('q end')].join('  ');
}

function endpointLines(history: EndpointHistory, options: ScreenOptions): string[] {
  const { last } = history;
  if (last === undefined) return [];
  if ('fault' in last) {
    return [`${chalk.bold(escapeText(last.endpoint))}  ${chalk.red(errorText(last.fault))}`];
  }
  const server = last.status?.server ?? undefined;
  const rates = history.rates();
  return [
    titleLine(last, server),
    ...(last.status?.link ? [linkLine(last.status.link)] : []),
    ...(server === undefined ? [] : contentLines(server, rates, options.width)),
    ...rateLines(rateRows(rates, server === undefined ? 'unknown' : last.role), options.width),
    ...viewLines(history, last, options),
  ];
}

function titleLine(
  { endpoint, role }: { endpoint: string; role: string },
  server: ServerEntry | undefined,
): string {
  const name = server?.name ?? undefined;
  return [
    chalk.bold(escapeText(name ?? endpoint)),
    ...(name === undefined ? [] : [escapeText(endpoint)]),
    role,
    ...(server === undefined
      ? ['an older version: its figures are not known']
      : [`up ${shortDuration(server.uptimeMs)}`]),
  ].join('  ');
}

function contentLines(server: ServerEntry, { busy, hits }: Rates, width: number): string[] {
  const limit = server.limitBytes === 0 ? '' : ` of ${formatBytes(server.limitBytes)}`;
  const parts = [
    `${countText(server.keys, 'key', 'keys')} in ${formatBytes(server.usedBytes)}${limit}`,
    countText(server.clients, 'client', 'clients'),
    `hits ${percentText(hits.at(-1))}`,
    `event loop ${percentText(busy.at(-1))}`,
  ];
  return wrapParts(parts, width);
}

/** The rates of a server in its role; one that says nothing of its commands has its records alone. */
function rateRows({ reads, writes, records, wireBytes }: Rates, role: string): readonly RateRow[] {
  const perSecond = (value: number) => `${formatShort(Math.round(value))}/s`;
  const bytesPerSecond = (value: number) => `${formatBytes(Math.round(value))}/s`;
  if (role === 'unknown') return [{ label: 'records', series: records, text: perSecond }];
  return [
    { label: 'reads', series: reads, text: perSecond },
    role === 'primary'
      ? { label: 'writes', series: writes, text: perSecond }
      : { label: 'applied', series: records, text: perSecond },
    { label: 'to replicas', series: wireBytes, text: bytesPerSecond },
  ];
}

function rateLines(rows: readonly RateRow[], width: number): string[] {
  const mosts = rows.map(({ series, text }) => `most ${text(greatest(series))}`);
  const before = LABEL_COLUMNS + VALUE_COLUMNS + GAP_COLUMNS;
  const behind = GAP_COLUMNS + Math.max(...mosts.map(({ length }) => length));
  const room = Math.max(1, Math.min(KEPT, width - before - behind));
  return rows.map(({ label, series, text }, index) => {
    const now = series.at(-1);
    const value = now === undefined ? '-' : text(now);
    const bars = sparkline(series.slice(-room)).padStart(room);
    const head = `${label.padEnd(LABEL_COLUMNS)}${value.padStart(VALUE_COLUMNS)}`;
    return [head, chalk.cyan(bars), chalk.dim(mosts[index]!)].join(' '.repeat(GAP_COLUMNS));
  });
}

function viewLines(
  history: EndpointHistory,
  last: EndpointWatermarks,
  { view, width, nowMs }: ScreenOptions,
): string[] {
  const server = last.status?.server ?? undefined;
  switch (view) {
    case 'replicas':
      return last.status === undefined ? [] : replicaLines(history, last.status, width);
    case 'shards':
      // The first answer behind the key may still be a brief one, which has no lag of shards.
      return shardLines(last.status?.backlog.earliest.length === 0 ? { ...last, status: undefined } : last);
    case 'hot':
      return server === undefined ? [] : hotLines(server, history.rates(), width);
    case 'commands':
      return server === undefined ? [] : slowLines(server, nowMs);
    case 'log':
      return server === undefined ? [] : logLines(server, width);
  }
}

/** The share of each hot key in the uses that were counted, and how many uses a second that comes to. */
function hotLines({ hot }: ServerEntry, { reads, writes }: Rates, width: number): string[] {
  if (hot === null) return [chalk.dim('the hot keys are not known')];
  if (hot.sampled === 0) return [chalk.dim('no key was used within the last seconds')];
  if (hot.keys.length === 0) return [chalk.dim('no key is used more than others')];
  const commands = (reads.at(-1) ?? 0) + (writes.at(-1) ?? 0);
  const heading = ['share', 'uses/s', 'key'].map((text) => ({
    text,
    isLeft: text === 'key',
    style: chalk.dim,
  }));
  const rows = hot.keys.map((key) => {
    const share = Math.min(1, key.uses / Math.max(1, hot.sampled));
    const perSecond = `~${formatShort(Math.round(share * commands))}`;
    return [
      { text: percentText(share) },
      { text: perSecond },
      { text: hotKeyText(key, width), isLeft: true },
    ];
  });
  return alignCells([heading, ...rows]);
}

function hotKeyText({ key, keyBase64, keyBytes }: HotKeyEntry, width: number): string {
  const bytes = keyBase64 === null ? Buffer.from(key ?? '') : Buffer.from(keyBase64, 'base64');
  return quoteBytes(bytes, Math.max(LEAST_KEY_COLUMNS, width - BEFORE_KEY_COLUMNS), keyBytes);
}

function slowLines({ slow }: ServerEntry, nowMs: number): string[] {
  if (slow.length === 0) return [chalk.dim('no command was slow (CONFIG SET slowlog-log-slower-than)')];
  return slow.map(({ timeMs, durationUs, command, client }) =>
    [
      `${shortDuration(Math.max(0, nowMs - timeMs))} ago`.padStart(AGO_COLUMNS),
      `${formatNumber(durationUs)} us`.padStart(VALUE_COLUMNS),
      escapeText(command),
      chalk.dim(escapeText(client)),
    ].join('  '),
  );
}

function logLines({ log }: ServerEntry, width: number): string[] {
  if (log.length === 0) return [chalk.dim('nothing was logged')];
  return log.flatMap(({ timeMs, level, message }) => {
    const time = formatTime(BigInt(timeMs)).slice(11, 19);
    const color = level === 'error' ? chalk.red : level === 'warn' ? chalk.yellow : chalk.dim;
    const head = `${chalk.dim(time)}  ${color(level.padEnd(LEVEL_COLUMNS))}`;
    const [first = '', ...rest] = wrapWords(escapeText(message), Math.max(1, width - BEFORE_MESSAGE_COLUMNS));
    const indent = ' '.repeat(BEFORE_MESSAGE_COLUMNS);
    return [`${head}  ${first}`, ...rest.map((line) => `${indent}${line}`)];
  });
}

function percentText(share: number | undefined): string {
  return share === undefined ? '-' : `${Math.round(share * 100)} %`;
}
