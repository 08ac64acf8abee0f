/**
 * Parsers of flags' texts: sizes, counts, sequences, times, shard counts, addresses. Each parser returns the
 * value or throws a `UsageError` (exit 2) that says what is accepted.
 */

import * as Errors from '@oclif/core/errors';
import { isShardCount, LARGEST_U64, SHARD_COUNTS } from '../../limits.js';
import { isoTimeMs } from '../../server/moment.js';
import { boundsText, formatSize, isWithin, type Range, SIZE_UNITS } from '../../server/ranges.js';
import { formatAddress, parseAddress } from '../../transport/address.js';

/** A fault of the invocation; the exit status is 2. */
export class UsageError extends Errors.CLIError {
  constructor(message: string) {
    super(message, { exit: 2 });
  }
}

/** Parses a size: `64kb`, `1mb`, `2gb` (powers of 1024, either case) or bytes. */
export function parseSize(text: string, range: Range = {}): number {
  const [, digits, unit = ''] = /^(\d+)([a-z]*)$/.exec(text.trim().toLowerCase()) ?? [];
  const scale = SIZE_UNITS[unit];
  const bytes = digits === undefined || scale === undefined ? Number.NaN : Number(digits) * scale;
  if (isWithin(bytes, range)) return bytes;
  const bounds = boundsText(range, formatSize);
  throw new UsageError(`expected a size like 64kb, 1mb, 2gb or 4096 (bytes), ${bounds}; got "${text}"`);
}

/** Parses a decimal integer within `range`. */
export function parseCount(text: string, range: Range = {}): number {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (isWithin(count, range)) return count;
  throw new UsageError(`expected a whole number ${boundsText(range)}; got "${text}"`);
}

/** Parses a shard count: a power of two within the limits. */
export function parseShards(text: string): number {
  const shards = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (isShardCount(shards)) return shards;
  throw new UsageError(`expected ${SHARD_COUNTS} (1, 2, 4, 8, …); got "${text}"`);
}

/**
 * Parses `host:port`, `[v6]:port` or `:port` (loopback) into its canonical spelling; port 0 picks a free one.
 */
export function parseHostPort(text: string): string {
  try {
    return formatAddress(parseAddress(text));
  } catch {
    throw new UsageError(`expected host:port, [v6]:port or :port; got "${text}"`);
  }
}

/** Parses the name of a file to write to. It cannot be `-`: the stdout of a server carries its events. */
export function parseOutputFile(text: string): string {
  if (text === '' || text === '-') throw new UsageError(`expected the name of a file; got "${text}"`);
  return text;
}

/** Parses a sequence: an unsigned 64-bit number. */
export function parseSequence(text: string): bigint {
  const sequence = /^\d{1,20}$/.test(text) ? BigInt(text) : -1n;
  if (sequence >= 0n && sequence <= LARGEST_U64) return sequence;
  throw new UsageError(`expected a sequence, 0 to ${LARGEST_U64}; got "${text}"`);
}

/** A date, optionally followed by a time, which is optionally followed by a zone. */
/** The first and the last Unix ms that a number is taken for; no record is older than FCRP. */
const LEAST_MS = Date.UTC(2000);
const MOST_MS = Date.UTC(3000);
/** Other units in which times are written, and how many Unix ms one of them is. */
const TIME_UNITS = { seconds: 1000, microseconds: 0.001, nanoseconds: 0.000_001 } as const;

/**
 * Parses a time, in Unix ms or ISO 8601, into Unix ms; it is UTC where no zone is named. A number that can
 * only be meant in another unit is refused with the right one; 0 is the beginning of all.
 */
export function parseTime(text: string): bigint {
  if (/^\d{1,20}$/.test(text)) return parseUnixMs(text);
  const timeMs = isoTimeMs(text);
  if (timeMs !== undefined) return BigInt(timeMs);
  throw new UsageError(
    `expected Unix milliseconds or a time like 2026-01-31T12:30:00.000Z (UTC without a zone); got "${text}"`,
  );
}

function parseUnixMs(text: string): bigint {
  const timeMs = Number(text);
  if (timeMs === 0 || isPlausible(timeMs)) return BigInt(text);
  const meant = Object.entries(TIME_UNITS).find(([, unitMs]) => isPlausible(timeMs * unitMs));
  const hint =
    meant === undefined
      ? 'write Unix milliseconds, or'
      : `if it is in ${meant[0]}, write ${Math.floor(timeMs * meant[1])}, or`;
  throw new UsageError(
    `${text} is not a time between the years 2000 and 3000 in Unix milliseconds; ${hint} a time like ` +
      '2026-01-31T12:30:00.000Z',
  );
}

function isPlausible(timeMs: number): boolean {
  return timeMs >= LEAST_MS && timeMs <= MOST_MS;
}

/** Parses one of `names`, in either case, into its spelling there. */
export function parseName<T extends string>(text: string, names: readonly T[]): T {
  const name = names.find((candidate) => candidate.toLowerCase() === text.toLowerCase());
  if (name !== undefined) return name;
  throw new UsageError(`expected one of ${names.join(', ')}; got "${text}"`);
}

/** Parses a list with commas between its elements, each read by `parse`. */
export function parseList<T>(text: string, parse: (element: string) => T): T[] {
  return text.split(',').map((element) => parse(element.trim()));
}

/** Throws a `UsageError` when stdin is named more than once. */
export function refuseStdinTwice(files: readonly string[]): void {
  if (files.indexOf('-') !== files.lastIndexOf('-')) throw new UsageError('stdin (-) can be read only once');
}
