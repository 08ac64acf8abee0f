/**
 * A Status document as the payload of its frame: msgpack. Whoever asks distrusts the answer: every field is looked at,
 * unknown ones are left out, and what does not fit is refused.
 */
import { Packr } from 'msgpackr';
import { FastcacheError } from '../errors.js';
import { decodeStatus, type StatusMap, type StatusValue } from '../frame/status.js';
import { MAX_SHARDS } from '../limits.js';
import {
  type BacklogReport,
  type LinkReport,
  type ReplicaReport,
  replicaStates,
  type StatusDocument,
} from './status-document.js';

const packr = new Packr({ useRecords: false, variableMapSize: true });
const HISTORY = /^[0-9a-f]{32}$/;
const LARGEST_U64 = 0xffff_ffff_ffff_ffffn;
/** Addresses, states and versions: more is no name of anything. */
const MAX_TEXT = 256;
const MAX_METRICS = 256;

export function encodeStatus(document: StatusDocument): Buffer {
  return packr.pack(document);
}

/** Throws `FCRP_STATUS_MALFORMED` and what `decodeStatus` throws. */
export function readStatus(payload: Uint8Array): StatusDocument {
  const map = decodeStatus(payload);
  if (map === undefined) throw malformed('document', 'a map', undefined);
  const watermarks = readList(map, 'watermarks', MAX_SHARDS, asSequence);
  const shards = watermarks.length;
  if (shards === 0) throw malformed('watermarks', 'one for each shard', 'none');
  return {
    version: readText(map, 'version'),
    role: readChoice(map, 'role', ['primary', 'replica']),
    history: readOptional(map, 'history', asHistory),
    base: readOptional(map, 'base', asSequence),
    watermarks,
    backlog: readBacklog(readMap(map, 'backlog'), shards),
    replicas: readList(map, 'replicas', Number.POSITIVE_INFINITY, (value) =>
      isMap(value) ? readReplica(value, shards) : undefined,
    ),
    unlistedReplicas: readCount(map, 'unlistedReplicas'),
    link: readOptional(map, 'link', (value) => (isMap(value) ? readLink(value) : undefined)),
    metrics: readMetrics(readMap(map, 'metrics')),
  };
}

function readBacklog(map: StatusMap, shards: number): BacklogReport {
  return {
    bytes: readCount(map, 'bytes'),
    records: readCount(map, 'records'),
    limitBytes: readCount(map, 'limitBytes'),
    windowMs: readOptional(map, 'windowMs', asCount),
    earliest: readPerShard(map, 'earliest', shards, asSequence),
  };
}

function readReplica(map: StatusMap, shards: number): ReplicaReport {
  const hasNoLag = map.lagRecords === null;
  return {
    address: readText(map, 'address'),
    state: readChoice(map, 'state', replicaStates),
    watermarks: readPerShard(map, 'watermarks', shards, asSequence, true),
    acknowledges: readFlag(map, 'acknowledges'),
    sinceAckSeconds: readCount(map, 'sinceAckSeconds'),
    lagRecords: readOptional(map, 'lagRecords', asCount),
    lagMs: readOptional(map, 'lagMs', asCount),
    shardLagRecords: readPerShard(map, 'shardLagRecords', shards, asCount, hasNoLag),
    shardLagMs: readPerShard(
      map,
      'shardLagMs',
      shards,
      (value) => (value === null ? null : asCount(value)),
      hasNoLag,
    ),
    canResume: readFlag(map, 'canResume'),
    leewayMs: readOptional(map, 'leewayMs', asCount),
  };
}

function readLink(map: StatusMap): LinkReport {
  return {
    primary: readText(map, 'primary'),
    state: readText(map, 'state'),
    sinceHeardMs: readCount(map, 'sinceHeardMs'),
    lagMs: readOptional(map, 'lagMs', asCount),
  };
}

function readMetrics(map: StatusMap): Record<string, number> {
  const entries = Object.keys(map).map((name) => [name, readCount(map, name)] as const);
  if (entries.length > MAX_METRICS) throw malformed('metrics', `${MAX_METRICS} at most`, entries.length);
  return Object.fromEntries(entries);
}

/** Undefined: the value is no such thing. */
type Reading<T> = (value: StatusValue) => T | undefined;

const asCount: Reading<number> = (value) => {
  const count = typeof value === 'bigint' && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : undefined;
};

const asSequence: Reading<bigint> = (value) => {
  const sequence = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
  return typeof sequence === 'bigint' && sequence >= 0n && sequence <= LARGEST_U64 ? sequence : undefined;
};

const asText: Reading<string> = (value) =>
  typeof value === 'string' && value.length <= MAX_TEXT ? value : undefined;

const asHistory: Reading<string> = (value) =>
  typeof value === 'string' && HISTORY.test(value) ? value : undefined;

const asFlag: Reading<boolean> = (value) => (typeof value === 'boolean' ? value : undefined);

function isMap(value: StatusValue | undefined): value is StatusMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function read<T>(map: StatusMap, name: string, expected: string, reading: Reading<T>): T {
  const value = map[name];
  const result = value === undefined ? undefined : reading(value);
  if (result === undefined) throw malformed(name, expected, value);
  return result;
}

function readOptional<T>(map: StatusMap, name: string, reading: Reading<T>): T | null {
  return map[name] === null ? null : read(map, name, 'null or a value', reading);
}

const readText = (map: StatusMap, name: string) => read(map, name, `${MAX_TEXT} characters at most`, asText);
const readCount = (map: StatusMap, name: string) => read(map, name, 'a whole number', asCount);
const readFlag = (map: StatusMap, name: string) => read(map, name, 'true or false', asFlag);
const readMap = (map: StatusMap, name: string) =>
  read(map, name, 'a map', (value) => (isMap(value) ? value : undefined));

function readChoice<T extends string>(map: StatusMap, name: string, choices: readonly T[]): T {
  return read(map, name, choices.join(', '), (value) => choices.find((choice) => choice === value));
}

function readList<T>(map: StatusMap, name: string, longest: number, reading: Reading<T>): T[] {
  return read(map, name, 'a list', (value) => {
    if (!Array.isArray(value) || value.length > longest) return undefined;
    return value.map((element) => {
      const result = reading(element);
      if (result === undefined) throw malformed(`an element of ${name}`, 'one like the others', element);
      return result;
    });
  });
}

/** As long as there are shards; or empty, where `mayBeEmpty`. */
function readPerShard<T>(
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

function malformed(name: string, expected: string, value: StatusValue | undefined): FastcacheError {
  const found =
    typeof value === 'object' || value === undefined ? typeof value : String(value).slice(0, MAX_TEXT);
  return new FastcacheError('FCRP_STATUS_MALFORMED', `The Status document's ${name} is not sound.`, {
    expected,
    found,
  });
}
