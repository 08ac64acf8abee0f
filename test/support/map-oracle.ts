/**
 * The `Map` that a store must equal, and the random commands that change both: written as a RESP pipeline
 * beside the replies that the oracle expects, so that a million take a second. Keys are numbers here and
 * bytes there; a value is a slice of one random pattern, so that the oracle holds a place and a length.
 */
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import { type StandingClock, scanAll } from './engines.js';
import type { RandomSource } from './random.js';

const PATTERN_BYTES = 262_144;
export const VALUE_MOST_BYTES = 100_000;
/** Keys' lengths are 1 to 100. */
const KEY_MOST_BYTES = 100;
const HEADER_BYTES = 24;
const TABLE_BYTES = 16;
const HEAP_BYTES = 16;

interface Held {
  /** Where the value starts in the pattern. */
  from: number;
  length: number;
  /** Unix ms; 0: never. */
  expireAtMs: number;
}

export interface Pipeline {
  commands: Buffer;
  /** The answers that a store must give. */
  replies: Buffer;
}

export class MapOracle {
  readonly held = new Map<number, Held>();
  readonly #random: RandomSource;
  readonly #clock: StandingClock;
  readonly #pattern: Buffer;
  readonly #keys: Buffer[];
  readonly #keyOf = new Map<string, number>();
  readonly #commands = new Writer(16 * 1024 * 1024);
  readonly #replies = new Writer(16 * 1024 * 1024);

  constructor(random: RandomSource, clock: StandingClock, keys: number) {
    this.#random = random;
    this.#clock = clock;
    this.#pattern = random.bytes(PATTERN_BYTES);
    this.#keys = Array.from({ length: keys }, (_, id) => keyBytes(id));
    for (const [id, key] of this.#keys.entries()) this.#keyOf.set(key.toString('latin1'), id);
  }

  /** `count` commands at the clock's time, and what they change in the map. */
  pipeline(count: number): Pipeline {
    this.#commands.length = 0;
    this.#replies.length = 0;
    for (let n = 0; n < count && this.#commands.hasRoom && this.#replies.hasRoom; n++) this.#command();
    return { commands: this.#commands.bytes, replies: this.#replies.bytes };
  }

  /** The same by calls of the engine, a key each. Returns how many answers were wrong. */
  callsOn(engine: ShardEngine, count: number): number {
    let wrong = 0;
    for (let n = 0; n < count; n++) {
      const id = this.#random.below(this.#keys.length);
      const key = this.#keys[id]!;
      const before = this.#live(id);
      const kind = this.#random.below(10);
      if (kind < 5) {
        const value = this.#hold(id, this.#random.chance(0.1) ? this.#futureMs() : 0);
        engine.set(key, this.#slice(value), value.expireAtMs === 0 ? undefined : BigInt(value.expireAtMs));
      } else if (kind < 7) {
        if (engine.del(key) !== this.held.delete(id)) wrong++;
      } else if (kind < 8) {
        const expireAtMs = this.#futureMs();
        if (before !== undefined) before.expireAtMs = expireAtMs;
        if (engine.expire(key, BigInt(expireAtMs)) !== (before !== undefined)) wrong++;
      } else {
        const value = engine.get(key);
        if ((value === undefined) !== (before === undefined)) wrong++;
        else if (before !== undefined && !this.#slice(before).equals(value!)) wrong++;
      }
    }
    return wrong;
  }

  /** Takes out what the clock has overtaken. */
  expireDue(): number {
    let expired = 0;
    for (const id of this.held.keys()) {
      if (this.#live(id) === undefined) expired++;
    }
    return expired;
  }

  /** Returns the differences between a scan of the store and the map: none when they are equal. */
  differences(engine: ShardEngine): string[] {
    const differences: string[] = [];
    const seen = new Set<number>();
    for (const { key, value, expireAtMs } of scanAll(engine)) {
      const id = this.#keyOf.get(key.toString('latin1'));
      const held = id === undefined ? undefined : this.held.get(id);
      if (id === undefined || held === undefined) differences.push(`key ${id} is there`);
      else {
        if (seen.has(id)) differences.push(`key ${id} is there twice`);
        seen.add(id);
        if (!this.#slice(held).equals(value)) differences.push(`key ${id} has another value`);
        if (Number(expireAtMs ?? 0n) !== held.expireAtMs) differences.push(`key ${id} has another expiry`);
      }
    }
    for (const id of this.held.keys()) if (!seen.has(id)) differences.push(`key ${id} is not scanned`);
    return differences;
  }

  /** How many keys `get` answers otherwise than the map. */
  wrongGets(engine: ShardEngine): number {
    let wrong = 0;
    for (const [id, key] of this.#keys.entries()) {
      const value = engine.get(key);
      const held = this.held.get(id);
      if (held === undefined ? value !== undefined : value === undefined || !this.#slice(held).equals(value))
        wrong++;
    }
    return wrong;
  }

  /**
   * Bytes that what is held needs at the most: header, key and value rounded to 8, table, and heap of what
   * expires.
   */
  neededBytes(): number {
    let bytes = 0;
    for (const [id, { length, expireAtMs }] of this.held) {
      bytes += Math.ceil((HEADER_BYTES + this.#keys[id]!.length + length) / 8) * 8 + TABLE_BYTES;
      if (expireAtMs !== 0) bytes += HEAP_BYTES;
    }
    return bytes;
  }

  #command(): void {
    const id = this.#random.below(this.#keys.length);
    const kind = this.#random.below(100);
    if (kind < 45) this.#set(id, 0);
    else if (kind < 50) this.#set(id, this.#futureMs());
    else if (kind < 68)
      this.#simple('DEL', id, this.#live(id) === undefined ? 0 : 1, () => this.held.delete(id));
    else if (kind < 78) this.#get(id);
    else if (kind < 83) this.#expireAt(id);
    else if (kind < 86) this.#persist(id);
    else if (kind < 96) this.#append(id);
    else this.#simple('STRLEN', id, this.#live(id)?.length ?? 0, () => {});
  }

  #set(id: number, expireAtMs: number): void {
    const value = this.#hold(id, expireAtMs);
    this.#commands.text(expireAtMs === 0 ? '*3\r\n$3\r\nSET\r\n' : '*5\r\n$3\r\nSET\r\n');
    this.#commands.bulk(this.#keys[id]!);
    this.#commands.bulk(this.#pattern, value.from, value.length);
    if (expireAtMs !== 0) {
      this.#commands.text('$4\r\nPXAT\r\n');
      this.#commands.time(expireAtMs);
    }
    this.#replies.text('+OK\r\n');
  }

  #get(id: number): void {
    const held = this.#live(id);
    this.#keyed('*2\r\n$3\r\nGET\r\n', id);
    if (held === undefined) this.#replies.text('$-1\r\n');
    else this.#replies.bulk(this.#pattern, held.from, held.length);
  }

  #expireAt(id: number): void {
    const held = this.#live(id);
    const expireAtMs = this.#random.chance(0.1)
      ? this.#clock.ms - this.#random.below(1000)
      : this.#futureMs();
    this.#keyed('*3\r\n$9\r\nPEXPIREAT\r\n', id);
    this.#commands.time(expireAtMs);
    this.#replies.text(held === undefined ? ':0\r\n' : ':1\r\n');
    if (expireAtMs <= this.#clock.ms) this.held.delete(id);
    else if (held !== undefined) held.expireAtMs = expireAtMs;
  }

  #persist(id: number): void {
    const held = this.#live(id);
    this.#simple('PERSIST', id, held !== undefined && held.expireAtMs !== 0 ? 1 : 0, () => {
      if (held !== undefined) held.expireAtMs = 0;
    });
  }

  /** Appends what stands behind the value in the pattern, so that the whole is a slice of it again. */
  #append(id: number): void {
    const held = this.#live(id);
    if (held !== undefined && held.from + held.length + 300 > PATTERN_BYTES) return;
    const after = held ?? { from: this.#random.below(1000), length: 0, expireAtMs: 0 };
    const start = after.from + after.length;
    const more = this.#random.below(300);
    this.#keyed('*3\r\n$6\r\nAPPEND\r\n', id);
    this.#commands.bulk(this.#pattern, start, more);
    after.length += more;
    this.held.set(id, after);
    this.#replies.text(`:${after.length}\r\n`);
  }

  #simple(name: string, id: number, reply: number, change: () => void): void {
    this.#keyed(`*2\r\n$${name.length}\r\n${name}\r\n`, id);
    this.#replies.text(`:${reply}\r\n`);
    change();
  }

  #keyed(head: string, id: number): void {
    this.#commands.text(head);
    this.#commands.bulk(this.#keys[id]!);
  }

  #live(id: number): Held | undefined {
    const held = this.held.get(id);
    if (held === undefined || held.expireAtMs === 0 || held.expireAtMs > this.#clock.ms) return held;
    this.held.delete(id);
    return undefined;
  }

  /** Any value for a key; one in 500 may be large. */
  #hold(id: number, expireAtMs: number): Held {
    let held = this.held.get(id);
    if (held === undefined) this.held.set(id, (held = { from: 0, length: 0, expireAtMs: 0 }));
    held.length = this.#random.skewed(this.#random.chance(0.002) ? VALUE_MOST_BYTES : 2000);
    held.from = this.#random.below(PATTERN_BYTES - held.length);
    held.expireAtMs = expireAtMs;
    return held;
  }

  #futureMs(): number {
    return this.#clock.ms + 1 + this.#random.below(100_000);
  }

  #slice({ from, length }: Held): Buffer {
    return this.#pattern.subarray(from, from + length);
  }
}

/** A key of its own for each number, 1 to 100 bytes long. */
function keyBytes(id: number): Buffer {
  if (id < 100) return Buffer.from([id + 100]);
  const key = Buffer.alloc(4 + ((id * 7919) % (KEY_MOST_BYTES - 3)), 'k');
  key.writeUInt32LE(id);
  return key;
}

/** Bytes one behind the other in a buffer that is used again. */
class Writer {
  length = 0;
  readonly #buffer: Buffer;

  constructor(capacity: number) {
    this.#buffer = Buffer.alloc(capacity);
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }

  /** Whether any command or reply still fits. */
  get hasRoom(): boolean {
    return this.length + 4 * VALUE_MOST_BYTES < this.#buffer.length;
  }

  text(text: string): void {
    this.length += this.#buffer.write(text, this.length, 'latin1');
  }

  bulk(bytes: Buffer, from = 0, length = bytes.length): void {
    this.text(`$${length}\r\n`);
    this.length += bytes.copy(this.#buffer, this.length, from, from + length);
    this.text('\r\n');
  }

  /** A Unix time in ms, as a bulk. */
  time(ms: number): void {
    this.text(`$${String(ms).length}\r\n${ms}\r\n`);
  }
}
