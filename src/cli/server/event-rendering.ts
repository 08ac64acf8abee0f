/**
 * An event of a server or a follower, as NDJSON (docs/command-line.md, "Events") and as a line for a person.
 */
import { type ChalkInstance, chalkStderr } from 'chalk';
import { FastcacheError } from '../../errors.js';
import type { LogEvent } from '../../server/events.js';
import { escapeText, quoteText } from '../terminal/escape.js';
import { formatNumber, formatTime } from '../terminal/text.js';

/** An event: `event` and `timeMs`, then its own fields: numbers, texts, lists, errors. */
export interface ServerEvent {
  readonly event: string;
  /** Unix milliseconds. */
  readonly timeMs: number;
}

const TEXT_COLUMNS = 200;
const NAME_COLUMNS = 10;

const eventColors: Record<string, ChalkInstance> = {
  live: chalkStderr.green,
  'caught-up': chalkStderr.green,
  lost: chalkStderr.yellow,
  refused: chalkStderr.red,
  stopped: chalkStderr.red,
  warn: chalkStderr.yellow,
  error: chalkStderr.red,
};

/** The event with its errors as `{code, message}`. */
export function eventJson(event: ServerEvent): Record<string, unknown> {
  return Object.fromEntries(Object.entries(event).map(([name, value]) => [name, fieldJson(value)]));
}

/** The event as one line without line end: time, event, fields; for a log event time, level, message. */
export function eventText(event: ServerEvent | LogEvent): string {
  const { event: name, timeMs, ...fields } = event;
  if ('message' in event) return lineText(timeMs, event.level, [escapeText(event.message)]);
  const given = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  return lineText(
    timeMs,
    name,
    given.map(([field, value]) => `${field} ${fieldText(value)}`),
  );
}

function lineText(timeMs: number, name: string, texts: readonly string[]): string {
  const time = chalkStderr.dim(formatTime(BigInt(Math.trunc(timeMs))));
  const color = eventColors[name] ?? chalkStderr.bold;
  return [time, color(name.padEnd(NAME_COLUMNS)), ...texts].join('  ').trimEnd();
}

function fieldJson(value: unknown): unknown {
  if (value instanceof FastcacheError) return { code: value.code, message: value.message };
  if (value instanceof Error) return { message: value.message };
  return value;
}

function fieldText(value: unknown): string {
  if (typeof value === 'number') return formatNumber(Math.round(value));
  if (value instanceof Error) return quoteText(value.message, TEXT_COLUMNS);
  if (Array.isArray(value)) return escapeText(value.join(' ')).slice(0, TEXT_COLUMNS);
  return typeof value === 'string' ? quoteText(value, TEXT_COLUMNS) : escapeText(String(value));
}
