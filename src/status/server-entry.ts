/**
 * The part of a Status document about the server itself: the figures, the slow commands and the log lines
 * that `fastcache top` shows (docs/protocol.md, "Status").
 */
import type { StatusMap } from '../frame/status.js';
import {
  asText,
  isMap,
  readChoice,
  readCount,
  readIfSent,
  readList,
  readOptional,
  readText,
} from './status-fields.js';

/** The most slow commands that a document has, the newest. */
export const SLOW_COMMANDS_MAX = 8;
/** The most characters that it has of each. */
export const SLOW_COMMAND_CHARACTERS = 120;
/** The most log lines that it has, the newest. */
export const LOG_LINES_MAX = 16;
/** The most characters that it has of each. */
export const LOG_LINE_CHARACTERS = 240;
/** The most hot keys that it has. */
export const HOT_KEYS_MAX = 8;
/** The most that a reader takes, should there be more of them one day. */
const MOST_READ = 256;

/** The levels of log lines. */
export const logLevels = ['info', 'warn', 'error'] as const;

/** A server's figures. Counters count since its start or CONFIG RESETSTAT. */
export interface ServerEntry {
  /** The name that its operator has given it; null: none. */
  name: string | null;
  /** Milliseconds since its process started, over which rates are taken. */
  uptimeMs: number;
  keys: number;
  /** Bytes of keys, values and tables. */
  usedBytes: number;
  /** Bytes that these may have; 0: as many as a store can. */
  limitBytes: number;
  /** Clients that are connected. */
  clients: number;
  /** Commands that ran: those that read keys, those that write them, and all. */
  reads: number;
  writes: number;
  commands: number;
  /** Keys that were read, and that were there or not. */
  hits: number;
  misses: number;
  /** Milliseconds in which the event loop did not wait. */
  busyMs: number;
  /** The keys that clients use most; null: not known, as from an older server. */
  hot: HotKeysEntry | null;
  /** The newest first. */
  slow: SlowCommand[];
  /** The newest first. */
  log: LogLine[];
}

/** The keys that clients used most within the last seconds, by a sample of their uses. */
export interface HotKeysEntry {
  /** How many uses were counted, of all keys. */
  sampled: number;
  /** The most used first. */
  keys: HotKeyEntry[];
}

/** A key that is used often. */
export interface HotKeyEntry {
  /** The key, its first 80 bytes at most; where these are not UTF-8 it is null, and `keyBase64` has them. */
  key: string | null;
  keyBase64: string | null;
  keyBytes: number;
  /** How many of the counted uses are its own. */
  uses: number;
}

/** A command that took long. */
export interface SlowCommand {
  /** Unix ms. */
  timeMs: number;
  durationUs: number;
  /** Its name and arguments, without the parts that were too long. */
  command: string;
  /** `host:port` of the client. */
  client: string;
}

/** A message that was logged. */
export interface LogLine {
  /** Unix ms. */
  timeMs: number;
  level: (typeof logLevels)[number];
  message: string;
}

/** Reads a server's part of a document. Throws `FCRP_STATUS_MALFORMED`. */
export function readServer(map: StatusMap): ServerEntry {
  return {
    name: readIfSent(map, 'name', asText),
    uptimeMs: readCount(map, 'uptimeMs'),
    keys: readCount(map, 'keys'),
    usedBytes: readCount(map, 'usedBytes'),
    limitBytes: readCount(map, 'limitBytes'),
    clients: readCount(map, 'clients'),
    reads: readCount(map, 'reads'),
    writes: readCount(map, 'writes'),
    commands: readCount(map, 'commands'),
    hits: readCount(map, 'hits'),
    misses: readCount(map, 'misses'),
    busyMs: readCount(map, 'busyMs'),
    hot: readIfSent(map, 'hot', (value) => (isMap(value) ? readHot(value) : undefined)),
    slow: readList(map, 'slow', MOST_READ, (value) => (isMap(value) ? readSlow(value) : undefined)),
    log: readList(map, 'log', MOST_READ, (value) => (isMap(value) ? readLine(value) : undefined)),
  };
}

function readHot(map: StatusMap): HotKeysEntry {
  return {
    sampled: readCount(map, 'sampled'),
    keys: readList(map, 'keys', MOST_READ, (value) => (isMap(value) ? readHotKey(value) : undefined)),
  };
}

function readHotKey(map: StatusMap): HotKeyEntry {
  return {
    key: readOptional(map, 'key', asText),
    keyBase64: readOptional(map, 'keyBase64', asText),
    keyBytes: readCount(map, 'keyBytes'),
    uses: readCount(map, 'uses'),
  };
}

function readSlow(map: StatusMap): SlowCommand {
  return {
    timeMs: readCount(map, 'timeMs'),
    durationUs: readCount(map, 'durationUs'),
    command: readText(map, 'command'),
    client: readText(map, 'client'),
  };
}

function readLine(map: StatusMap): LogLine {
  return {
    timeMs: readCount(map, 'timeMs'),
    level: readChoice(map, 'level', logLevels),
    message: readText(map, 'message'),
  };
}
