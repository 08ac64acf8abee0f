/**
 * An event of a server or a follower, as NDJSON (docs/command-line.md, "Events") and as a line for a person.
 */
import { type ChalkInstance, chalkStderr } from 'chalk';
import { FastcacheError } from '../../errors.js';
import type { LogEvent } from '../../server/events.js';
import { escapeText } from '../terminal/escape.js';
import { formatTime } from '../terminal/text.js';
import { eventSentence } from './event-sentences.js';

/** An event: `event` and `timeMs`, then its own fields: numbers, texts, lists, errors. */
export interface ServerEvent {
  readonly event: string;
  /** Unix milliseconds. */
  readonly timeMs: number;
}

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

/** The event as one line without line end: time, event, sentence; for a log event time, level, message. */
export function eventText(event: ServerEvent | LogEvent): string {
  if ('message' in event) return lineText(event.timeMs, event.level, escapeText(event.message));
  return lineText(event.timeMs, event.event, eventSentence(event));
}

function lineText(timeMs: number, name: string, text: string): string {
  const time = chalkStderr.dim(formatTime(BigInt(Math.trunc(timeMs))));
  const color = eventColors[name] ?? chalkStderr.bold;
  return [time, color(name.padEnd(NAME_COLUMNS)), text].join('  ').trimEnd();
}

function fieldJson(value: unknown): unknown {
  if (value instanceof FastcacheError) return { code: value.code, message: value.message };
  if (value instanceof Error) return { message: value.message };
  return value;
}
