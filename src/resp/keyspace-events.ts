/**
 * Keyspace notifications (docs/redis.md, "Keyspace notifications"): the store's notes become events with
 * Redis' names, which are published to the subscribers of this node. The store takes notes only while events
 * are wanted and somebody is subscribed to anything.
 */
import type { Timers } from '../clock.js';
import type { StoreNotes } from '../engine/store-notes.js';
import * as layout from '../kernel/layout.js';
import { kernelCommandName } from './kernel-counts.js';
import type { EventClasses } from './keyspace-event-classes.js';
import type { PubSub } from './pubsub/pubsub.js';
import type { Settings } from './settings.js';

/** A store that takes notes. */
export interface NotingStore {
  readonly notes: Pick<StoreNotes, 'take' | 'want'>;
}

/** A note of the store. */
interface Note {
  readonly what: number;
  /** The command that did it; undefined: none of a client's. */
  readonly command: string | undefined;
  readonly key: Buffer;
}

/** The name of an event, and the letter of its class. */
type Event = readonly [name: string, letter: string];

const NEW: Event = ['new', 'n'];
const EXPIRE: Event = ['expire', 'g'];

const incremented: Event = ['incrby', '$'];
const bitsSet: Event = ['setbit', '$'];
const renamed: Event = ['rename_to', 'g'];

/** The event of a written key by the command, where it is not `set`. */
const writtenBy: ReadonlyMap<string, Event> = new Map([
  ['append', ['append', '$']],
  ['incr', incremented],
  ['decr', incremented],
  ['incrby', incremented],
  ['decrby', incremented],
  ['incrbyfloat', ['incrbyfloat', '$']],
  ['setrange', ['setrange', '$']],
  ['setbit', bitsSet],
  ['bitfield', bitsSet],
  ['rename', renamed],
  ['renamenx', renamed],
  ['copy', ['copy_to', 'g']],
  ['restore', ['restore', 'g']],
]);

/** Commands that put a new key in the place of one that was there. */
const RECREATING = new Set(['rename', 'renamenx', 'copy', 'restore']);
/** Commands that keep or take over a key's expiry, or whose event covers it. */
const KEEPING_EXPIRY = new Set(['incrbyfloat', ...RECREATING]);

/** The parts that the publishing of events uses. */
export interface KeyspaceEventsOptions {
  timers: Timers;
  pubsub: PubSub;
  /** The settings, of which `notify-keyspace-events` says what is published. */
  settings: Pick<Settings, 'eventClasses' | 'onChange'>;
}

/** The events of one server. */
export class KeyspaceEvents {
  readonly #options: KeyspaceEventsOptions;
  #store: NotingStore | undefined;
  #noted: Note[] = [];
  #isOn = false;
  /** The command that is running, unless it is one of a pipeline that the kernel runs. */
  #running: string | undefined;
  /** The new name of a key whose old name is still to be deleted. */
  #renamedTo: Buffer | undefined;
  readonly #deliverLater = () => this.deliver();

  constructor(options: KeyspaceEventsOptions) {
    this.#options = options;
    options.pubsub.onAudience = () => this.#want();
    options.settings.onChange((name) => {
      if (name === 'notify-keyspace-events') this.#want();
    });
  }

  /** Has this store take the notes from now on, in place of another one. */
  attach(store: NotingStore): void {
    this.#store?.notes.want(0);
    this.#store = store;
    store.notes.take = (what, command, key) => this.take(what, command, key);
    this.#want();
  }

  /** Whether events wait for `deliver`, which must come before the next command is run. */
  get isPending(): boolean {
    return this.#noted.length > 0;
  }

  /** Whether events are wanted, and somebody is subscribed. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /** Takes a note; `command` is the kernel's number of the command that ran there, or NO_COMMAND. */
  take(what: number, command: number, key: Buffer): void {
    // A change that no command makes has no end of a command; its events are delivered at the end of the
    // turn.
    if (this.#noted.length === 0) this.#options.timers.endOfTurn(this.#deliverLater);
    this.#noted.push({ what, command: kernelCommandName(command) ?? this.#running, key });
  }

  /** Called before a command runs that is not run in a pipeline. */
  runs(name: string): void {
    this.#running = name;
  }

  /** Called behind that command: publishes its events. */
  ran(): void {
    this.#running = undefined;
    this.deliver();
  }

  #want(): void {
    const { pubsub, settings } = this.#options;
    const notes = pubsub.clientCount === 0 ? 0 : notesFor(settings.eventClasses);
    this.#isOn = notes !== 0;
    this.#store?.notes.want(notes);
  }

  /** Publishes the events of what was noted until now, in order. */
  deliver(): void {
    if (this.#noted.length === 0) return;
    const noted = this.#noted;
    this.#noted = [];
    for (const note of noted) this.#emit(note);
  }

  #emit({ what, command = '', key }: Note): void {
    switch (what) {
      case layout.NOTE_NEW:
        if (!RECREATING.has(command)) this.#publish(NEW, key);
        break;
      case layout.NOTE_WRITTEN:
        if (RECREATING.has(command)) this.#publish(NEW, key);
        // Redis names the old key first.
        if (writtenBy.get(command) === renamed) this.#renamedTo = key;
        else this.#publish(writtenBy.get(command) ?? ['set', '$'], key);
        break;
      case layout.NOTE_DELETED:
        this.#emitDeletion(key);
        break;
      case layout.NOTE_EXPIRY:
        if (!KEEPING_EXPIRY.has(command)) this.#publish(EXPIRE, key);
        break;
      case layout.NOTE_PERSISTED:
        this.#publish(['persist', 'g'], key);
        break;
      case layout.NOTE_EXPIRED:
        this.#publish(['expired', 'x'], key);
        break;
      case layout.NOTE_EVICTED:
        this.#publish(['evicted', 'e'], key);
        break;
      case layout.NOTE_MISSED:
        this.#publish(['keymiss', 'm'], key);
        break;
    }
  }

  #emitDeletion(key: Buffer): void {
    const target = this.#renamedTo;
    this.#renamedTo = undefined;
    if (target === undefined) {
      this.#publish(['del', 'g'], key);
      return;
    }
    this.#publish(['rename_from', 'g'], key);
    this.#publish(renamed, target);
  }

  #publish([name, letter]: Event, key: Buffer): void {
    const { pubsub, settings } = this.#options;
    const wanted = settings.eventClasses;
    if (!wanted.has(letter)) return;
    const event = Buffer.from(name);
    if (wanted.has('K')) pubsub.publish(Buffer.concat([KEYSPACE, key]), event);
    if (wanted.has('E')) pubsub.publish(Buffer.concat([KEYEVENT, event]), key);
  }
}

const KEYSPACE = Buffer.from('__keyspace@0__:');
const KEYEVENT = Buffer.from('__keyevent@0__:');

/** The notes from which the events of these classes are made. */
function notesFor(classes: EventClasses): number {
  if (!classes.has('K') && !classes.has('E')) return 0;
  let bits = 0;
  const want = (letter: string, ...notes: number[]) => {
    if (classes.has(letter)) for (const note of notes) bits |= 1 << note;
  };
  const changes = [
    layout.NOTE_WRITTEN,
    layout.NOTE_DELETED,
    layout.NOTE_EXPIRY,
    layout.NOTE_PERSISTED,
  ] as const;
  want('g', ...changes);
  want('$', ...changes);
  // A key that is put in the place of another one is known by its writing.
  want('n', layout.NOTE_NEW, layout.NOTE_WRITTEN);
  want('x', layout.NOTE_EXPIRED);
  want('e', layout.NOTE_EVICTED);
  want('m', layout.NOTE_MISSED);
  return bits;
}
