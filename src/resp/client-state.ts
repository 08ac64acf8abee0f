/** The state of one client, apart from its socket. */
import type { ShardEngine } from '../engine/shard-engine.js';
import type { EmissionBound } from './emission-bound.js';
import { NO_OUTPUT, type PushOutput } from './push-output.js';
import type { Protocol } from './reply.js';
import type { Subscriptions } from './subscriptions.js';

/** A transaction, from MULTI to EXEC or DISCARD. */
export interface Transaction {
  /** Commands that EXEC will run, in order; each has its name first. */
  readonly queue: (readonly Buffer[])[];
  queuedBytes: number;
  /** A command could not be queued, so EXEC will refuse. */
  isBroken: boolean;
}

/** CLIENT TRACKING ON: the invalidations that a client is sent when keys change (tracking/tracking.ts). */
export interface ClientTracking {
  /** Its number among the clients that track, for the kernel. */
  readonly tracker: number;
  /** The client that is sent the invalidations; undefined: the client itself. It may have left. */
  redirect: ClientState | undefined;
  /** REDIRECT's client was found to have left. */
  isRedirectBroken: boolean;
  /** BCAST: all keys of the prefixes, and not those that it reads. */
  isBroadcast: boolean;
  /** Only keys of a command behind CLIENT CACHING YES are tracked. */
  isOptIn: boolean;
  /** All keys but those of a command behind CLIENT CACHING NO are tracked. */
  isOptOut: boolean;
  /** Keys that the client itself changes are not its concern. */
  isNoLoop: boolean;
  /** CLIENT CACHING was sent and holds for the next command, or transaction. */
  isCachingGiven: boolean;
  /** The prefixes of BCAST by their bytes in latin1. */
  readonly prefixes: Set<string>;
}

/** One client, as commands see and change it. */
export class ClientState {
  readonly id: number;
  /** `host:port` of the client, and of the port that it connected to. */
  readonly address: string;
  readonly localAddress: string;
  /** Both addresses as a line of CLIENT LIST begins with them, up to the client's name. */
  readonly endpoints: string;
  readonly connectedAtMs: number;
  name = '';
  libraryName = '';
  libraryVersion = '';
  protocol: Protocol = 2;
  isAuthenticated: boolean;
  transaction: Transaction | undefined;
  /** EXEC is running what was queued: a command must not wait, and MONITOR is refused. */
  isInExec = false;
  /** The bound of what the transaction that EXEC runs may emit; undefined outside of one. */
  emission: EmissionBound | undefined;
  /** Watched keys by their bytes in latin1; see commands/transactions.ts. */
  readonly watched = new Map<string, WatchedKey>();
  watchedBytes = 0;
  replies: 'on' | 'off' | 'skip-next' | 'skip' = 'on';
  isMonitor = false;
  /** Undefined: CLIENT TRACKING is off. */
  tracking: ClientTracking | undefined;
  /**
   * Messages for the client that come while its command is being handled; they follow that command's reply.
   */
  readonly afterReply: Buffer[] = [];
  /**
   * Messages for it that go before the reply: invalidations of keys that were evicted before the command ran.
   */
  readonly beforeReply: Buffer[] = [];
  /** The channels and patterns that it listens to; undefined: none. */
  subscriptions: Subscriptions | undefined;
  /** Where to send what is no reply; the connection sets it. */
  output: PushOutput = NO_OUTPUT;
  isNeverEvicted = false;
  /** CLIENT NO-TOUCH: keys that the client reads do not count as used. */
  isNeverTouching = false;
  /** CLIENT CAPA redirect: the client could follow a redirection. */
  canRedirect = false;
  isBlocked = false;
  /** QUIT or CLIENT KILL was run: the reply that is being made is the last. */
  leaves = false;
  /** Lower case, with `|` before a subcommand; CLIENT LIST shows it as `cmd`. */
  lastCommand = 'NULL';
  /** Unix milliseconds at which bytes last came from the client. */
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
    this.endpoints = inOnePiece(`id=${this.id} addr=${this.address} laddr=${this.localAddress} fd=-1 name=`);
    this.connectedAtMs = fields.nowMs;
    this.heardAtMs = fields.nowMs;
    this.isAuthenticated = fields.isAuthenticated;
  }
}

/**
 * The same ASCII text, which V8 no longer keeps as the parts that it was put together from: to write those
 * takes several times as long, each time.
 */
export function inOnePiece(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** Whether the client may send few commands: in RESP2 replies look like messages. */
export function isConfined({ subscriptions, protocol }: ClientState): boolean {
  return subscriptions !== undefined && protocol === 2;
}

/** A key that WATCH has been given. */
export interface WatchedKey {
  readonly key: Buffer;
  /** The store in which it was watched. */
  readonly engine: ShardEngine;
  /** The ticket that `engine.watch` returned. */
  readonly ticket: number;
}

/** Returns whether a client neither listens nor has sent anything since, Unix ms. */
export function isIdleSince(
  { isMonitor, isBlocked, subscriptions, heardAtMs }: ClientState,
  sinceMs: number,
): boolean {
  return !isMonitor && !isBlocked && subscriptions === undefined && heardAtMs < sinceMs;
}
