/** The parts of the server that commands may read and change. */
import type { Clock, Random, Timers } from '../clock.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import type { ChannelMessage } from '../frame/messages.js';
import type { Guesses } from '../replication/link/guesses.js';
import type { Log } from '../replication/log.js';
import type { FailoverState, FailoverWish } from '../replication/primary/failover.js';
import type { Address } from '../transport/connection.js';
import type { ClientState } from './client-state.js';
import type { CommandStatistics } from './command-statistics.js';
import type { Durability } from './durability.js';
import type { KeyspaceEvents } from './keyspace-events.js';
import type { Later } from './later.js';
import type { MemoryFacts } from './memory-facts.js';
import type { PubSub } from './pubsub/pubsub.js';
import type { Failure, Reply } from './reply.js';
import type { CallingScript, ScriptHost } from './script-host.js';
import type { Settings } from './settings.js';
import type { Situation } from './situation.js';
import type { Slowlog } from './slowlog.js';
import type { Tracking } from './tracking/tracking.js';
import type { UnixTime } from './unix-time.js';

/** The parts of the server that commands act on. */
export interface CommandHost {
  readonly clock: Clock;
  readonly time: UnixTime;
  readonly timers: Timers;
  readonly random: Random;
  /** The present store; a replica's store changes with each snapshot. */
  engine(): ShardEngine;
  readonly clients: ClientRegistry;
  readonly tracking: Tracking;
  readonly pubsub: PubSub;
  readonly events: KeyspaceEvents;
  readonly settings: Settings;
  readonly statistics: CommandStatistics;
  readonly slowlog: Slowlog;
  readonly guesses: Guesses;
  readonly replication: ReplicationHost;
  readonly durability: Durability;
  readonly situation: Situation;
  readonly scripts: ScriptHost;
  readonly log: Log;
  /** Unix seconds at which the server was made. */
  readonly startedAtSeconds: number;
  memory(): MemoryFacts;
  /** INFO's text, with all default sections when none is named. */
  info(sections: readonly string[]): string;
  /** Runs a command that was let through before, without the gate's checks, as EXEC does with its queue. */
  execute(args: readonly Buffer[], client: ClientState): Reply | Later;
  /** Runs a command that a script calls, if the script may call it. */
  callFromScript(args: readonly Buffer[], script: CallingScript): Reply;
  /** Whether a client could send this command. */
  isCommand(args: readonly Buffer[]): boolean;
  /** Runs SHUTDOWN: asks the process or the embedding program to close. */
  shutdown(): void;
}

/** The bytes that the server keeps for a client. */
export interface ClientMemory {
  /** Bytes of commands that wait, or of one that is not whole and short. */
  readonly inputBytes: number;
  /** Bytes of a long command that is not whole. */
  readonly argumentBytes: number;
  /** Bytes of replies that are not handed to the socket yet. */
  readonly replyBytes: number;
  /** Bytes that wait to be written to the client, those included. */
  readonly outputBytes: number;
}

/** The connected clients, and what may be done to them. */
export interface ClientRegistry {
  list(): readonly ClientState[];
  /** Closes a client; one whose command is being run (`client` itself) is closed behind its reply. */
  kill(client: ClientState): void;
  /**
   * Postpones commands: all, or those that may write; an end that is earlier than the present one's changes
   * nothing.
   */
  pause(untilMs: number, scope: 'all' | 'write'): void;
  unpause(): void;
  /** From now on the client is sent every command that is run. */
  addMonitor(client: ClientState): void;
  removeMonitor(client: ClientState): void;
  memoryOf(client: ClientState): ClientMemory;
  /**
   * Answers a command that waits for some time at most, as if the time had passed or with an error; returns
   * whether the client has such a command.
   */
  unblock(client: ClientState, reason: 'timeout' | 'error'): boolean;
}

/** The server's failovers, for FAILOVER and REPLTAKEOVER. */
export interface FailoverHost {
  readonly state: 'no-failover' | FailoverState;
  /** Why the last failover was given up; undefined while none was, and once one was not. */
  readonly lastFault: string | undefined;
  /** Begins to hand over to a replica, as `client` asks; returns why not, in words for the client. */
  begin(wish: FailoverWish, client?: ClientState): string | undefined;
  /** Ends the failover that is under way; returns why not, in words for the client. */
  abort(): string | undefined;
  /** Asks the primary to hand over to this server within `timeoutMs`, and answers when it has, or why not. */
  takeOver(timeoutMs: number): Later;
}

/** The server as a part of replication, for ROLE, REPLICAOF and WAIT. */
export interface ReplicationHost {
  readonly isReplica: boolean;
  /** The address that a replica follows; undefined while this server leads. */
  readonly primary: Address | undefined;
  /** Whether that primary's content is refused, until a client names the primary once more. */
  readonly isRefusing: boolean;
  readonly failover: FailoverHost;
  /** It was primary before and has come back without its data, which keeps commands on data from running. */
  readonly lacksData: boolean;
  /** Bytes of the frames that are kept for replicas. */
  readonly backlogBytes: number;
  /** ROLE's answer. */
  roleReply(): Reply;
  /**
   * Runs WAIT: answers how many replicas have acknowledged, when `replicas` have or after `timeoutMs` (0:
   * never).
   */
  wait(replicas: number, timeoutMs: number): Later;
  /**
   * Runs WAITAOF: answers whether all is on the disk here, 1 or 0, and on how many replicas' disks, when it
   * is where it is wanted or after `timeoutMs` (0: never).
   */
  waitForDisks(wanted: { isLocal: boolean; replicas: number }, timeoutMs: number): Later;
  /**
   * Sends a message to replicas' subscribers, behind what was written before; a replica sends none. Returns
   * why it cannot be sent.
   */
  sendMessage(message: ChannelMessage): Failure | undefined;
  /** Follows a primary, or another one. */
  follow(primary: Address): void;
  /** Becomes a primary whose history continues the one that was followed. */
  promote(): void;
  /** Resolves when the role is kept for the next start; undefined: nowhere is. Rejects with WRITE_FAILED. */
  keepRole(): Promise<void> | undefined;
}
