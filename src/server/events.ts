/** What primaries and replicas tell their owners: each event an object, `event` and `timeMs` first. */
import { EventEmitter } from 'node:events';
import type { Clock } from '../clock.js';
import type { Log } from '../replication/log.js';

interface EventBase<Name extends string> {
  readonly event: Name;
  /** Unix ms. */
  readonly timeMs: number;
}

/** What an operator should know. */
export interface LogEvent extends EventBase<'log'> {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
}

export interface PrimaryEvents {
  log: LogEvent;
  /** A client has sent SHUTDOWN: whoever owns this side should close it. */
  shutdown: EventBase<'shutdown'>;
}

export interface ReplicaEvents {
  log: LogEvent;
  /** A client has sent SHUTDOWN: whoever owns this side should close it. */
  shutdown: EventBase<'shutdown'>;
  /** It follows no primary any more and takes writes, in a history of its own. */
  promoted: EventBase<'promoted'> & { readonly history: string };
  connecting: EventBase<'connecting'> & { readonly attempt: number };
  /** What is held cannot be continued, for this reason, and all comes anew. */
  resync: EventBase<'resync'> & { readonly reason: string };
  /** At a snapshot's begin and after each of its chunks. */
  snapshot: EventBase<'snapshot'> & { readonly entries: number };
  /** What is held follows the primary. `primaryIsOurs`: false of a Rust primary. */
  live: EventBase<'live'> & { readonly primaryIsOurs: boolean; readonly watermarks: readonly bigint[] };
  /** Once a connection: all that the primary had when it answered is applied. */
  'caught-up': EventBase<'caught-up'> & { readonly watermarks: readonly bigint[] };
  lost: EventBase<'lost'> & { readonly error: Error; readonly retryInMs: number };
  refused: EventBase<'refused'> & { readonly error: Error };
  /** For good; `error` unless it was left or closed. */
  stopped: EventBase<'stopped'> & { readonly error: Error | undefined };
}

export const primaryEvents = ['log', 'shutdown'] as const satisfies readonly (keyof PrimaryEvents)[];
export const replicaEvents = [
  'log',
  'shutdown',
  'promoted',
  'connecting',
  'resync',
  'snapshot',
  'live',
  'caught-up',
  'lost',
  'refused',
  'stopped',
] as const satisfies readonly (keyof ReplicaEvents)[];

/** Delivers events in the order in which things happened; listeners are called at once and must not throw. */
export class Events<Map extends { log: LogEvent }> {
  readonly #emitter = new EventEmitter();
  readonly #clock: Clock;
  /** What the core logs becomes `log` events. */
  readonly log: Log;

  constructor(clock: Clock) {
    this.#clock = clock;
    const logAt = (level: LogEvent['level']) => (message: string) => this.#send('log', { level, message });
    this.log = { info: logAt('info'), warn: logAt('warn'), error: logAt('error') };
  }

  on<Name extends keyof Map & string>(name: Name, listener: (event: Map[Name]) => void): void {
    this.#emitter.on(name, listener);
  }

  off<Name extends keyof Map & string>(name: Name, listener: (event: Map[Name]) => void): void {
    this.#emitter.off(name, listener);
  }

  emit<Name extends keyof Map & string>(name: Name, fields: Omit<Map[Name], 'event' | 'timeMs'>): void {
    this.#send(name, fields);
  }

  #send(name: string, fields: object): void {
    this.#emitter.emit(name, { event: name, timeMs: this.#clock.nowMs(), ...fields });
  }
}
