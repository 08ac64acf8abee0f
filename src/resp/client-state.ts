/** What the server knows of one client, apart from its socket. */
import type { ShardEngine } from '../engine/shard-engine.js';
import type { Protocol } from './reply.js';

/** MULTI until EXEC or DISCARD. */
export interface Transaction {
  /** What will run, in order: each with the name first. */
  readonly queue: (readonly Buffer[])[];
  queuedBytes: number;
  /** A command that could not be queued: EXEC will refuse. */
  isBroken: boolean;
}

/** One client, as commands see and change it. */
export class ClientState {
  readonly id: number;
  /** `host:port` of the client and of the port that it came to. */
  readonly address: string;
  readonly localAddress: string;
  readonly connectedAtMs: number;
  name = '';
  libraryName = '';
  libraryVersion = '';
  protocol: Protocol = 2;
  isAuthenticated: boolean;
  transaction: Transaction | undefined;
  /** While EXEC runs what was queued: a command must not wait, and MONITOR is refused. */
  isInExec = false;
  /** Watched keys by their bytes in latin1; see commands/transactions.ts. */
  readonly watched = new Map<string, WatchedKey>();
  watchedBytes = 0;
  replies: 'on' | 'off' | 'skip-next' | 'skip' = 'on';
  isMonitor = false;
  /** What a monitor's own command has it told: goes behind the reply of that command. */
  readonly afterReply: Buffer[] = [];
  isNeverEvicted = false;
  /** CLIENT NO-TOUCH: what it reads does not count as used. */
  isNeverTouching = false;
  isBlocked = false;
  /** Set by QUIT and by CLIENT KILL: what is being answered is the last. */
  leaves = false;
  /** Lower case, with `|` before a subcommand; what CLIENT LIST shows as `cmd`. */
  lastCommand = 'NULL';
  /** When bytes last came from it. */
  heardAtMs: number;
  readBytes = 0;
  writtenBytes = 0;

  constructor(fields: {
    id: number;
    address: string;
    localAddress: string;
    nowMs: number;
    isAuthenticated: boolean;
  }) {
    this.id = fields.id;
    this.address = fields.address;
    this.localAddress = fields.localAddress;
    this.connectedAtMs = fields.nowMs;
    this.heardAtMs = fields.nowMs;
    this.isAuthenticated = fields.isAuthenticated;
  }
}

/** A key that WATCH has been given. */
export interface WatchedKey {
  readonly key: Buffer;
  /** The store that it was watched in. */
  readonly engine: ShardEngine;
  /** What `engine.watch` returned. */
  readonly ticket: number;
}
