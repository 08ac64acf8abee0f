/** The first of many, and how many there were. */
import { formatNumber } from '../../cli/terminal/text.js';

export class Listed<T> {
  readonly items: T[] = [];
  readonly #limit: number;
  count = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(item: T): void {
    this.count += 1;
    if (this.items.length < this.#limit) this.items.push(item);
  }

  /** A line about the rest, when there is one. */
  rest(): string[] {
    const left = this.count - this.items.length;
    return left > 0 ? [`  and ${formatNumber(left)} more`] : [];
  }
}
