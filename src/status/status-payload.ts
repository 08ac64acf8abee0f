/**
 * A Status document as the payload of its frame: msgpack. A reader does not trust the sender: every field is
 * checked, an unknown one is left out, and one that does not fit is refused.
 */
import { pack } from '../files/msgpack.js';
import { decodeStatus, type StatusMap } from '../frame/status.js';
import { MAX_SHARDS } from '../limits.js';
import type { FullReplica } from '../replication/primary/full-replicas.js';
import { asDivergence } from './divergence-entry.js';
import { readReplica } from './replica-entry.js';
import { readServer } from './server-entry.js';
import type { BacklogEntry, LinkEntry, StatusDocument } from './status-document.js';
import {
  asCount,
  asHistory,
  asSequence,
  isMap,
  malformed,
  readChoice,
  readCount,
  readIfSent,
  readList,
  readMap,
  readOptional,
  readPerShard,
  readText,
} from './status-fields.js';

const MAX_METRICS = 256;
const MAX_FOREIGN_HISTORIES = 256;
const MAX_FULL_REPLICAS = 256;

/** Encodes the payload of a Status frame. */
export function encodeStatus(document: StatusDocument): Buffer {
  return pack(document);
}

/** Reads a document. Throws `FCRP_STATUS_MALFORMED` and what `decodeStatus` throws. */
export function readStatus(payload: Uint8Array): StatusDocument {
  const map = decodeStatus(payload);
  if (map === undefined) throw malformed('document', 'a map', undefined);
  const watermarks = readList(map, 'watermarks', MAX_SHARDS, asSequence);
  const shards = watermarks.length;
  if (shards === 0) throw malformed('watermarks', 'one for each shard', 'none');
  const backlog = readBacklog(readMap(map, 'backlog'), shards);
  // Only a brief document has no sequence for each shard.
  const isBrief = backlog.earliest.length === 0;
  return {
    version: readText(map, 'version'),
    role: readChoice(map, 'role', ['primary', 'replica']),
    history: readOptional(map, 'history', asHistory),
    base: readOptional(map, 'base', asSequence),
    watermarks,
    backlog,
    replicas: readList(map, 'replicas', Number.POSITIVE_INFINITY, (value) =>
      isMap(value) ? readReplica(value, shards, isBrief) : undefined,
    ),
    unlistedReplicas: readCount(map, 'unlistedReplicas'),
    // An older server does not send these two.
    foreignHistories:
      map.foreignHistories === undefined
        ? []
        : readList(map, 'foreignHistories', MAX_FOREIGN_HISTORIES, asHistory),
    fullReplicas:
      map.fullReplicas === undefined
        ? []
        : readList(map, 'fullReplicas', MAX_FULL_REPLICAS, (value) =>
            isMap(value) ? readFull(value) : undefined,
          ),
    diverges: readIfSent(map, 'diverges', asDivergence),
    link: readOptional(map, 'link', (value) => (isMap(value) ? readLink(value) : undefined)),
    server: readIfSent(map, 'server', (value) => (isMap(value) ? readServer(value) : undefined)),
    metrics: readMetrics(readMap(map, 'metrics')),
  };
}

function readBacklog(map: StatusMap, shards: number): BacklogEntry {
  return {
    bytes: readCount(map, 'bytes'),
    records: readCount(map, 'records'),
    limitBytes: readCount(map, 'limitBytes'),
    windowMs: readOptional(map, 'windowMs', asCount),
    bytesPerSecond: readIfSent(map, 'bytesPerSecond', asCount),
    earliest: readPerShard(map, 'earliest', shards, asSequence, true),
  };
}

function readFull(map: StatusMap): FullReplica {
  return {
    address: readText(map, 'address'),
    heldBytes: readCount(map, 'heldBytes'),
    mostBytes: readCount(map, 'mostBytes'),
  };
}

function readLink(map: StatusMap): LinkEntry {
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
