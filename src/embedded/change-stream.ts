/** The changes of a node's content, for `for await`. */
import type { Bytes } from '../engine/bytes.js';
import type { Change, RecordChange } from '../replication/outputs/changes.js';
import type { Node } from '../server/node.js';
import { subscribe } from '../server/subscribing.js';
import { checkBytes } from './arguments.js';
import type { Codec } from './codec.js';
import { bytesOf } from './keys.js';

/**
 * Changes that wait for the program, and bytes of their keys and values: with more, the primary is not read
 * until half of them are taken.
 */
const WAITING_MAX = 1_000;
const WAITING_BYTES_MAX = 16 * 1024 * 1024;

/** The changes to yield, and their end. */
export interface ChangesOptions<Key extends Bytes = Bytes> {
  /** Only those of keys that begin with it. The keys are bytes where it is bytes, and texts otherwise. */
  prefix?: Key | undefined;
  /** Ends the changes with the signal's reason, which is thrown. */
  signal?: AbortSignal | undefined;
}

/** A change of a key, once `get` returns what it led to. */
export type KeyChange<Value, Key extends Bytes = string> =
  | {
      readonly type: 'set';
      readonly key: Key;
      readonly value: Value;
      /** Unix ms; undefined: never. */
      readonly expireAtMs: number | undefined;
    }
  | { readonly type: 'expire'; readonly key: Key; readonly expireAtMs: number | undefined }
  /** The key was deleted, or has expired. */
  | { readonly type: 'delete'; readonly key: Key }
  /** New content has taken the place of all that was there, by a snapshot: any key may have changed. */
  | { readonly type: 'replaced' };

/** A change that waits for the program, and the bytes of its key and value. */
interface Queued<Value> {
  readonly change: KeyChange<Value, Bytes>;
  readonly bytes: number;
}

type Waiting<Value> = { resolve(result: IteratorResult<Value>): void; reject(error: unknown): void };

/** The changes of a node from its making until it is returned from, or the node is closed. */
export class ChangeStream<Value> implements AsyncIterableIterator<KeyChange<Value, Bytes>> {
  readonly #codec: Codec<unknown>;
  readonly #prefix: Buffer;
  readonly #isText: boolean;
  readonly #queue: Queued<Value>[] = [];
  #queuedBytes = 0;
  readonly #waiting: Waiting<KeyChange<Value, Bytes>>[] = [];
  readonly #nowMs: () => number;
  readonly #end: () => void;
  #isBuilding = false;
  #isEnded = false;
  #fault: { error: unknown } | undefined;
  /** Lets the node go on, which waits for room; undefined while it does not. */
  #onRoom: (() => void) | undefined;

  /** `onEnd` is called when it ends, by whatever. */
  constructor(
    node: Node,
    codec: Codec<unknown>,
    { prefix = '', signal }: ChangesOptions,
    onEnd: (stream: ChangeStream<Value>) => void,
  ) {
    checkBytes('prefix', prefix);
    signal?.throwIfAborted();
    this.#codec = codec;
    this.#isText = typeof prefix === 'string';
    this.#prefix = Buffer.from(bytesOf(prefix));
    const leave = subscribe(node, { take: (change) => this.#take(change) }, (error) => this.#fail(error));
    const aborted = () => this.#fail(signal?.reason);
    signal?.addEventListener('abort', aborted);
    this.#nowMs = () => node.seams.clock.nowMs();
    this.#end = () => {
      leave();
      signal?.removeEventListener('abort', aborted);
      onEnd(this);
    };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<KeyChange<Value, Bytes>>> {
    const queued = this.#queue.shift();
    if (queued !== undefined) {
      this.#queuedBytes -= queued.bytes;
      if (this.#queue.length <= WAITING_MAX / 2 && this.#queuedBytes <= WAITING_BYTES_MAX / 2)
        this.#letGoOn();
      return Promise.resolve({ done: false, value: queued.change });
    }
    if (this.#fault !== undefined) {
      const { error } = this.#fault;
      this.#fault = undefined;
      return Promise.reject(error);
    }
    if (this.#isEnded) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Ends the changes, as `break` does in a loop. */
  return(): Promise<IteratorResult<KeyChange<Value, Bytes>>> {
    this.#queue.length = 0;
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Ends the changes behind those that have come. */
  close(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#end();
    this.#letGoOn();
    for (const { resolve } of this.#waiting.splice(0)) resolve({ done: true, value: undefined });
  }

  /** Takes a change of the node; the next one waits for what is returned. */
  #take(change: Change): Promise<void> | undefined {
    if (change.type === 'snapshot-begin') this.#isBuilding = true;
    else if (change.type === 'snapshot-abandoned') this.#isBuilding = false;
    else if (change.type === 'snapshot-end') {
      this.#isBuilding = false;
      return this.#give({ type: 'replaced' }, 0);
    } else if (change.type === 'record' && !this.#isBuilding && this.#isWanted(change.key)) {
      return this.#give(this.#changeOf(change), change.key.length + change.value.length);
    }
    return undefined;
  }

  #isWanted(key: Uint8Array): boolean {
    return key.length >= this.#prefix.length && this.#prefix.equals(key.subarray(0, this.#prefix.length));
  }

  /** The keys and values of a record are views, and the change owns its own. */
  #changeOf({ op, key, value, expireAtMs }: RecordChange): KeyChange<Value, Bytes> {
    const ownKey = this.#isText ? Buffer.from(key).toString() : Buffer.from(key);
    const expiry = expireAtMs === null ? undefined : Number(expireAtMs);
    // A record that comes past its expiry deletes the key.
    if (op === 'del' || (expiry !== undefined && expiry <= this.#nowMs()))
      return { type: 'delete', key: ownKey };
    if (op === 'expire') return { type: 'expire', key: ownKey, expireAtMs: expiry };
    const decoded = this.#codec.decode(Buffer.from(value)) as Value;
    return { type: 'set', key: ownKey, value: decoded, expireAtMs: expiry };
  }

  #give(change: KeyChange<Value, Bytes>, bytes: number): Promise<void> | undefined {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting.resolve({ done: false, value: change });
      return undefined;
    }
    this.#queuedBytes += bytes;
    const count = this.#queue.push({ change, bytes });
    if (count < WAITING_MAX && this.#queuedBytes < WAITING_BYTES_MAX) return undefined;
    return new Promise((resolve) => {
      this.#onRoom = resolve;
    });
  }

  #letGoOn(): void {
    this.#onRoom?.();
    this.#onRoom = undefined;
  }

  #fail(error: unknown): void {
    if (this.#isEnded) return;
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#fault = { error };
    else waiting.reject(error);
    this.close();
  }
}
