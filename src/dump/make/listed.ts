/** Keeps the first of many items, and counts all of them. */
export class Listed<T> {
  readonly items: T[] = [];
  readonly #limit: number;
  /** Items in all. */
  count = 0;

  /** `limit` is how many items are kept. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  add(item: T): void {
    this.count += 1;
    if (this.items.length < this.#limit) this.items.push(item);
  }

  /** How many are counted and not kept. */
  get omitted(): number {
    return this.count - this.items.length;
  }
}
