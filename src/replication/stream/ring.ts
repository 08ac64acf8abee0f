/** A first-in first-out queue in a circular array: the backlog's and the subscribers' store, with no O(n) shift. */

const INITIAL_CAPACITY = 16;

export class Ring<T> {
  #slots: (T | undefined)[] = new Array(INITIAL_CAPACITY);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = item;
    this.#length += 1;
  }

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

  clear(): void {
    this.#slots = new Array(INITIAL_CAPACITY);
    this.#head = 0;
    this.#length = 0;
  }

  #grow(): void {
    const { length } = this.#slots;
    const bigger: (T | undefined)[] = new Array(length * 2);
    for (let index = 0; index < length; index += 1) bigger[index] = this.at(index);
    this.#slots = bigger;
    this.#head = 0;
  }
}
