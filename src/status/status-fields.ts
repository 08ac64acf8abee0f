/**
 * Reads fields of a Status document that a peer sent: every field is checked, and a field that does not fit
 * is refused with `FCRP_STATUS_MALFORMED`.
 */
import { FastcacheError } from '../errors.js';
import type { StatusMap, StatusValue } from '../frame/status.js';

const HISTORY = /^[0-9a-f]{32}$/;
const LARGEST_U64 = 0xffff_ffff_ffff_ffffn;
/** The most characters of an address, a state or a version; a longer text is refused. */
const MAX_TEXT = 300;

/** Reads one value; returns undefined when the value does not fit. */
export type Reading<T> = (value: StatusValue) => T | undefined;

/** Reads a whole number from 0 to 2^53 - 1. */
export const asCount: Reading<number> = (value) => {
  const count = typeof value === 'bigint' && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : undefined;
};

/** Reads an unsigned 64-bit number. */
export const asSequence: Reading<bigint> = (value) => {
  const sequence = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
  return typeof sequence === 'bigint' && sequence >= 0n && sequence <= LARGEST_U64 ? sequence : undefined;
};

/** Reads a history id: 32 hex digits. */
export const asHistory: Reading<string> = (value) =>
  typeof value === 'string' && HISTORY.test(value) ? value : undefined;

/** Reads a text of at most 300 characters. */
export const asText: Reading<string> = (value) =>
  typeof value === 'string' && value.length <= MAX_TEXT ? value : undefined;

const asFlag: Reading<boolean> = (value) => (typeof value === 'boolean' ? value : undefined);

/** Returns whether a value is a map. */
export function isMap(value: StatusValue | undefined): value is StatusMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads a field that must be there and fit; `expected` says for the error how it should be. */
export function read<T>(map: StatusMap, name: string, expected: string, reading: Reading<T>): T {
  const value = map[name];
  const result = value === undefined ? undefined : reading(value);
  if (result === undefined) throw malformed(name, expected, value);
  return result;
}

/** Reads a field as `read` does; null stays null. */
export function readOptional<T>(map: StatusMap, name: string, reading: Reading<T>): T | null {
  return map[name] === null ? null : read(map, name, 'null or a value', reading);
}

/** Reads a field as `readOptional` does; null also when it is absent, as from an older server. */
export function readIfSent<T>(map: StatusMap, name: string, reading: Reading<T>): T | null {
  return map[name] === undefined ? null : readOptional(map, name, reading);
}

/** Reads a text of at most 300 characters. */
export const readText = (map: StatusMap, name: string) =>
  read(map, name, `${MAX_TEXT} characters at most`, asText);
/** Reads a whole number from 0 to 2^53 - 1. */
export const readCount = (map: StatusMap, name: string) => read(map, name, 'a whole number', asCount);
/** Reads true or false. */
export const readFlag = (map: StatusMap, name: string) => read(map, name, 'true or false', asFlag);
/** Reads a map. */
export const readMap = (map: StatusMap, name: string) =>
  read(map, name, 'a map', (value) => (isMap(value) ? value : undefined));

/** Reads one of these texts. */
export function readChoice<T extends string>(map: StatusMap, name: string, choices: readonly T[]): T {
  return read(map, name, choices.join(', '), (value) => choices.find((choice) => choice === value));
}

/** Reads a list of at most `longest` elements that all fit. */
export function readList<T>(map: StatusMap, name: string, longest: number, reading: Reading<T>): T[] {
  return read(map, name, 'a list', (value) => {
    if (!Array.isArray(value) || value.length > longest) return undefined;
    return value.map((element) => {
      const result = reading(element);
      if (result === undefined) throw malformed(`an element of ${name}`, 'one like the others', element);
      return result;
    });
  });
}

/** Reads a list with an element for each shard, or an empty one where `mayBeEmpty`. */
export function readPerShard<T>(
  map: StatusMap,
  name: string,
  shards: number,
  reading: Reading<T>,
  mayBeEmpty = false,
): T[] {
  const list = readList(map, name, shards, reading);
  if (list.length === shards || (mayBeEmpty && list.length === 0)) return list;
  throw malformed(name, `${shards}, one for each shard`, list.length);
}

/** Makes the error for a field that is not sound. */
export function malformed(name: string, expected: string, value: StatusValue | undefined): FastcacheError {
  const found =
    typeof value === 'object' || value === undefined ? typeof value : String(value).slice(0, MAX_TEXT);
  return new FastcacheError('FCRP_STATUS_MALFORMED', `The Status document's ${name} is not sound.`, {
    expected,
    found,
  });
}
