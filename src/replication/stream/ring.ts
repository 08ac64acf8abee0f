/** A first-in first-out queue in a circular array, so that no shift costs O(n). */
import assert from 'node:assert';

/** A power of two, as every capacity is. */
const INITIAL_CAPACITY = 16;

/** The queue of whatever waits in order: a backlog's blocks, a subscriber's frames, a recorder's. */
export class Ring<T> {
  #slots: (T | undefined)[] = new Array(INITIAL_CAPACITY);
  #head = 0;
  #length = 0;

  /** How many items wait. */
  get length(): number {
    return this.#length;
  }

  /** Adds an item behind all others. */
  push(item: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = item;
    this.#length += 1;
  }

  /** Removes the oldest item and returns it; undefined when there is none. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#length -= 1;
    return item;
  }

  /** The item `index` places behind the oldest, undefined outside the queue. */
  at(index: number): T | undefined {
    if (index < 0 || index >= this.#length) return undefined;
    return this.#slots[(this.#head + index) & (this.#slots.length - 1)];
  }

  /** Drops all items, and the memory that many of them took. */
  clear(): void {
    this.#slots = new Array(INITIAL_CAPACITY);
    this.#head = 0;
    this.#length = 0;
  }

  /** Throws when something does not hold that always should. */
  invariants(): void {
    const capacity = this.#slots.length;
    assert(capacity >= INITIAL_CAPACITY && (capacity & (capacity - 1)) === 0, 'a capacity is a power of two');
    assert(this.#length <= capacity && this.#head < capacity);
    for (let place = this.#length; place < capacity; place += 1) {
      const slot = this.#slots[(this.#head + place) & (capacity - 1)];
      assert(slot === undefined, 'a slot outside the queue holds nothing back');
    }
  }

  #grow(): void {
    const { length } = this.#slots;
    const bigger: (T | undefined)[] = new Array(length * 2);
    for (let index = 0; index < length; index += 1) bigger[index] = this.at(index);
    this.#slots = bigger;
    this.#head = 0;
  }
}
