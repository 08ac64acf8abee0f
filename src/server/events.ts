/** The events of primaries and replicas: each is an object, `event` and `timeMs` first. */
import { EventEmitter } from 'node:events';
import type { Clock } from '../clock.js';
import type { Log } from '../replication/log.js';
import type { OnDivergence } from '../replication/replica/divergence.js';
import { RecentLog } from './recent-log.js';

/** The fields of every event. */
interface EventBase<Name extends string> {
  readonly event: Name;
  /** Unix milliseconds. */
  readonly timeMs: number;
}

/** A message for the operator. */
export interface LogEvent extends EventBase<'log'> {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
}

/** The events of a node, in any role. */
export interface NodeEvents {
  log: LogEvent;
  /** A client has sent SHUTDOWN: the owner of the node should close it. */
  shutdown: EventBase<'shutdown'>;
  /** The node follows no primary any more and takes writes, in a history of its own. */
  promoted: EventBase<'promoted'> & { readonly history: string };
  /** The node takes no writes any more and follows `primary`, `host:port`. */
  demoted: EventBase<'demoted'> & { readonly primary: string };
  connecting: EventBase<'connecting'> & { readonly attempt: number };
  /** The content that the node holds cannot be continued, for this reason, and a snapshot takes its place. */
  resync: EventBase<'resync'> & { readonly reason: string };
  /**
   * It comes at a snapshot's begin and after each of its chunks: `entries` have come. `primaryKeys`: the keys
   * that the primary had when it answered; undefined where it does not say.
   */
  snapshot: EventBase<'snapshot'> & { readonly entries: number; readonly primaryKeys: number | undefined };
  /**
   * The content follows the primary. `primaryIsOurs`: the primary is a fastcache node; false for a Rust
   * primary.
   */
  live: EventBase<'live'> & { readonly primaryIsOurs: boolean; readonly watermarks: readonly bigint[] };
  /** All that the primary had when it answered is applied; emitted once a connection. */
  'caught-up': EventBase<'caught-up'> & { readonly watermarks: readonly bigint[] };
  /**
   * The primary has a history that is foreign to what is held, which is kept; emitted once for as long as
   * that lasts, before `lost`.
   */
  'foreign-history': EventBase<'foreign-history'> & { readonly error: Error };
  /**
   * Content was found to differ: that of a replica from its primary's, or a server's from what was written.
   * `action`: the answer to it.
   */
  diverged: EventBase<'diverged'> & { readonly shards: readonly number[]; readonly action: OnDivergence };
  lost: EventBase<'lost'> & { readonly error: Error; readonly retryInMs: number };
  refused: EventBase<'refused'> & { readonly error: Error };
  /** The node follows no more, for good; `error` is undefined when it was closed. */
  stopped: EventBase<'stopped'> & { readonly error: Error | undefined };
}

/**
 * The events of a primary: until REPLICAOF makes it follow another one, only `log` and `shutdown` are
 * emitted.
 */
export type PrimaryEvents = NodeEvents;
/** The events of a replica. */
export type ReplicaEvents = NodeEvents;

/** The names of all events. */
export const nodeEvents = [
  'log',
  'shutdown',
  'promoted',
  'demoted',
  'connecting',
  'resync',
  'snapshot',
  'live',
  'caught-up',
  'foreign-history',
  'diverged',
  'lost',
  'refused',
  'stopped',
] as const satisfies readonly (keyof NodeEvents)[];

/** The names of all events of a primary. */
export const primaryEvents = nodeEvents;
/** The names of all events of a replica. */
export const replicaEvents = nodeEvents;

/** Whether there is an event of this name. */
export function isEventName(name: unknown): name is keyof NodeEvents {
  return (nodeEvents as readonly unknown[]).includes(name);
}

/**
 * Emits events in the order in which things happened; listeners are called at once. An error that one throws
 * is an uncaught error of the program, raised behind all work that belongs to the event: replication can't do
 * anything about it, and must not stop in the middle.
 */
export class Events<Map extends { log: LogEvent }> {
  readonly #emitter = new EventEmitter();
  readonly #clock: Clock;
  /** A log each of whose messages becomes a `log` event. */
  readonly log: Log;
  /** The last of these messages. */
  readonly recentLog = new RecentLog();

  constructor(clock: Clock) {
    this.#clock = clock;
    // A program may have as many listeners as it likes.
    this.#emitter.setMaxListeners(0);
    const logAt = (level: LogEvent['level']) => (message: string) => {
      this.recentLog.add({ timeMs: clock.nowMs(), level, message });
      this.#send('log', { level, message });
    };
    this.log = { info: logAt('info'), warn: logAt('warn'), error: logAt('error') };
  }

  on<Name extends keyof Map & string>(name: Name, listener: (event: Map[Name]) => void): void {
    this.#emitter.on(name, listener);
  }

  once<Name extends keyof Map & string>(name: Name, listener: (event: Map[Name]) => void): void {
    this.#emitter.once(name, listener);
  }

  off<Name extends keyof Map & string>(name: Name, listener: (event: Map[Name]) => void): void {
    this.#emitter.off(name, listener);
  }

  emit<Name extends keyof Map & string>(name: Name, fields: Omit<Map[Name], 'event' | 'timeMs'>): void {
    this.#send(name, fields);
  }

  #send(name: string, fields: object): void {
    const event = { event: name, timeMs: this.#clock.nowMs(), ...fields };
    for (const listener of this.#emitter.rawListeners(name)) {
      try {
        listener.call(this.#emitter, event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
