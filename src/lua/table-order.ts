/**
 * The order in which `pairs` walks a table. Scripts should not depend on it, but what they return does: cjson
 * writes an object's fields in this order. So it is that of Lua 5.1, in which a table has an array and a hash
 * part: a table's keys are laid out as they would lie there, in the order in which they came. fengari keeps
 * tables as maps.
 */

/** An item of fengari's table, in the list of items by age. */
export interface TableEntry {
  readonly value: unknown;
  readonly key: { readonly type: number; readonly value: unknown; ttisdeadkey(): boolean };
  /** The next item by age. */
  readonly n: TableEntry | undefined;
}

/** The parts of fengari's table that are read here, and what is kept with it. */
export interface OrderedTable {
  /** The oldest and the newest item. */
  readonly f: TableEntry | undefined;
  readonly l: TableEntry | undefined;
  readonly strong: ReadonlyMap<unknown, TableEntry>;
  /** The sizes for which the table was made. */
  sizes?: readonly [array: number, hash: number];
  order?: TableOrder;
}

/** The largest index of an array part. */
const ARRAY_BITS_MAX = 26;

/** The items of a table in Lua 5.1's order, as of when it was made. */
export class TableOrder {
  readonly #entries: readonly TableEntry[];
  readonly #places: ReadonlyMap<TableEntry, number>;
  readonly #newest: TableEntry | undefined;
  readonly #size: number;

  private constructor(table: OrderedTable) {
    const layout = new Layout(table.sizes ?? [0, 0]);
    for (let entry = table.f; entry !== undefined; entry = entry.n) layout.insert(entry);
    this.#entries = layout.entries();
    this.#places = new Map(this.#entries.map((entry, place) => [entry, place]));
    this.#newest = table.l;
    this.#size = table.strong.size;
  }

  /** The order of a table, which is kept as long as the table has the same items. */
  static of(table: OrderedTable): TableOrder {
    const { order } = table;
    const isPresent = order !== undefined && order.#newest === table.l && order.#size === table.strong.size;
    if (!isPresent) table.order = new TableOrder(table);
    return table.order!;
  }

  /** Whether this item was in the table when the order was made. */
  has(entry: TableEntry): boolean {
    return this.#places.has(entry);
  }

  /** The item behind `entry`, or the first one, that is still in the table; undefined when there is none. */
  after(entry: TableEntry | undefined): TableEntry | undefined {
    let place = entry === undefined ? 0 : this.#places.get(entry)! + 1;
    while (place < this.#entries.length && this.#entries[place]!.key.ttisdeadkey()) place += 1;
    return this.#entries[place];
  }
}

/** Where Lua 5.1 would put the keys of a table. */
class Layout {
  #array: (TableEntry | undefined)[];
  #nodes: (TableEntry | undefined)[];
  /** For each node the next one of its chain; -1 at the end. */
  #next: number[];
  /** All nodes at or above this one are in use. */
  #lastFree: number;

  constructor([array, hash]: readonly [number, number]) {
    this.#array = new Array(array).fill(undefined);
    this.#nodes = nodesFor(hash);
    this.#next = new Array(this.#nodes.length).fill(-1);
    this.#lastFree = this.#nodes.length;
  }

  entries(): TableEntry[] {
    return [...this.#array, ...this.#nodes].filter((entry) => entry !== undefined);
  }

  insert(entry: TableEntry): void {
    const index = arrayIndexOf(entry);
    if (index >= 1 && index <= this.#array.length) this.#array[index - 1] = entry;
    else if (!this.#insertNode(entry)) {
      this.#rehash(entry);
      this.insert(entry);
    }
  }

  /** Returns false where no node is free. */
  #insertNode(entry: TableEntry): boolean {
    if (this.#nodes.length === 0) return false;
    const main = this.#mainPlace(entry);
    const occupant = this.#nodes[main];
    if (occupant === undefined) {
      this.#nodes[main] = entry;
      return true;
    }
    const free = this.#freePlace();
    if (free === -1) return false;
    let other = this.#mainPlace(occupant);
    if (other === main) {
      this.#nodes[free] = entry;
      this.#next[free] = this.#next[main]!;
      this.#next[main] = free;
      return true;
    }
    // The occupant is out of its own place, and gives way.
    while (this.#next[other] !== main) other = this.#next[other]!;
    this.#next[other] = free;
    this.#nodes[free] = occupant;
    this.#next[free] = this.#next[main]!;
    this.#nodes[main] = entry;
    this.#next[main] = -1;
    return true;
  }

  #freePlace(): number {
    while (this.#lastFree > 0) {
      this.#lastFree -= 1;
      if (this.#nodes[this.#lastFree] === undefined) return this.#lastFree;
    }
    return -1;
  }

  #rehash(extra: TableEntry): void {
    const present = this.entries();
    /** How many indices lie above 2^(n-1) and up to 2^n. */
    const counts = new Array<number>(ARRAY_BITS_MAX + 1).fill(0);
    let indices = 0;
    for (const entry of [...present, extra]) {
      const index = arrayIndexOf(entry);
      if (index === 0) continue;
      counts[bitsFor(index)]! += 1;
      indices += 1;
    }
    const { size, used } = arraySize(counts, indices);
    this.#resize(size, present.length + 1 - used);
  }

  #resize(arrayLength: number, hashLength: number): void {
    const vanishing = this.#array.slice(arrayLength);
    const before = this.#nodes;
    this.#array = Array.from({ length: arrayLength }, (_, at) => this.#array[at]);
    this.#nodes = nodesFor(hashLength);
    this.#next = new Array(this.#nodes.length).fill(-1);
    this.#lastFree = this.#nodes.length;
    for (const entry of [...vanishing, ...before.reverse()]) {
      if (entry !== undefined) this.insert(entry);
    }
  }

  #mainPlace(entry: TableEntry): number {
    const { value } = entry.key;
    const size = this.#nodes.length;
    if (typeof value === 'number') return value === 0 ? 0 : hashOfNumber(value) % ((size - 1) | 1);
    if (typeof value === 'boolean') return (value ? 1 : 0) & (size - 1);
    const bytes = (value as { realstring?: Uint8Array } | null)?.realstring;
    // Other keys lie by their address in memory, which says nothing: here they lie by their age.
    return bytes === undefined ? 0 : hashOfString(bytes) & (size - 1);
  }
}

function nodesFor(count: number): undefined[] {
  return count === 0 ? [] : new Array(2 ** bitsFor(count)).fill(undefined);
}

/** The n for which 2^n is the least power of two from `count` on. */
function bitsFor(count: number): number {
  return 32 - Math.clz32(count - 1);
}

/** The index that the key of an item is in an array; 0 when it is none. */
function arrayIndexOf({ key: { value } }: TableEntry): number {
  const isIndex = typeof value === 'number' && Number.isInteger(value) && value >= 1;
  return isIndex && value <= 2 ** ARRAY_BITS_MAX ? value : 0;
}

/** The largest size of an array part more than half of which is used, and how much of it is. */
function arraySize(counts: readonly number[], indices: number): { size: number; used: number } {
  let seen = 0;
  let best = { size: 0, used: 0 };
  for (let bits = 0, power = 1; power / 2 < indices && bits < counts.length; bits++, power *= 2) {
    if (counts[bits]! > 0) {
      seen += counts[bits]!;
      if (seen > power / 2) best = { size: power, used: seen };
    }
    if (seen === indices) break;
  }
  return best;
}

const double = new DataView(new ArrayBuffer(8));

function hashOfNumber(value: number): number {
  double.setFloat64(0, value);
  return (double.getUint32(0) + double.getUint32(4)) >>> 0;
}

function hashOfString(bytes: Uint8Array): number {
  let hash = bytes.length;
  const step = (bytes.length >>> 5) + 1;
  for (let at = bytes.length; at >= step; at -= step) {
    hash ^= ((hash << 5) + (hash >>> 2) + bytes[at - 1]!) >>> 0;
    hash >>>= 0;
  }
  return hash;
}
