/** A server's part of its Status document, gathered from its parts. */
import { isUtf8 } from 'node:buffer';
import type { Clock } from '../clock.js';
import type { HotKey } from '../engine/hot-keys.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import type { RespServer } from '../resp/server.js';
import type { Settings } from '../resp/settings.js';
import type { SlowlogEntry } from '../resp/slowlog.js';
import {
  HOT_KEYS_MAX,
  type HotKeyEntry,
  type ServerEntry,
  SLOW_COMMAND_CHARACTERS,
  SLOW_COMMANDS_MAX,
  type SlowCommand,
} from '../status/server-entry.js';
import type { NodeConfig } from './config.js';
import type { Events, NodeEvents } from './events.js';

/** The parts of a node that its figures are gathered from. */
export interface FiguredNode {
  readonly config: NodeConfig;
  readonly settings: Settings;
  readonly engine: ShardEngine;
  readonly events: Events<NodeEvents>;
  /** The server of the Redis protocol; undefined without a port of clients. */
  readonly server: RespServer | undefined;
  readonly seams: { readonly clock: Clock };
}

/** The figures of a node without a port of clients. */
const NO_COMMANDS = { reads: 0, writes: 0, commands: 0, hits: 0, misses: 0, slow: [] };

/** Gathers the figures of this moment. */
export function serverEntry({ settings, engine, events, config, server, seams }: FiguredNode): ServerEntry {
  const { slow, ...counts } = server?.figures(SLOW_COMMANDS_MAX) ?? NO_COMMANDS;
  const hot = server && engine.uses.hot.look(seams.clock.nowMs(), counts.commands, HOT_KEYS_MAX);
  return {
    name: config.name ?? null,
    uptimeMs: Math.round(performance.now()),
    keys: engine.keyCount(),
    usedBytes: engine.usedBytes(),
    limitBytes: settings.maxMemoryBytes,
    clients: server?.clients.length ?? 0,
    ...counts,
    busyMs: Math.round(performance.eventLoopUtilization().active),
    hot: hot === undefined ? null : { sampled: hot.sampled, keys: hot.keys.map(hotKey) },
    slow: slow.map(slowCommand),
    log: [...events.recentLog.lines],
  };
}

function hotKey({ key, keyBytes, uses }: HotKey): HotKeyEntry {
  // The bytes of a text may end within a character, and are then none.
  const isText = isUtf8(key);
  return {
    key: isText ? key.toString() : null,
    keyBase64: isText ? null : key.toString('base64'),
    keyBytes,
    uses,
  };
}

function slowCommand({ atSeconds, durationUs, args, address }: SlowlogEntry): SlowCommand {
  const command = args.map(String).join(' ').slice(0, SLOW_COMMAND_CHARACTERS);
  return { timeMs: atSeconds * 1000, durationUs, command, client: address };
}
