/** The operations of BITOP, and the values that the kernel combines (kernel/combine-bits.ts). */
import * as layout from '../kernel/layout.js';

/** The operations by Redis' names in lower case, with their numbers in the kernel. */
export const BITOPS = {
  and: layout.BITOP_AND,
  or: layout.BITOP_OR,
  xor: layout.BITOP_XOR,
  not: layout.BITOP_NOT,
  diff: layout.BITOP_DIFF,
  diff1: layout.BITOP_DIFF1,
  andor: layout.BITOP_ANDOR,
  one: layout.BITOP_ONE,
} as const;

/** One of BITOP's operations. */
export type BitOperation = keyof typeof BITOPS;

/** For these the first value is not one of the others. */
const FIRST_APART: ReadonlySet<BitOperation> = new Set(['diff', 'diff1', 'andor']);

/** A value in kernel memory; one of no bytes may be anywhere. */
export interface PlacedValue {
  readonly address: number;
  readonly length: number;
}

/**
 * The values, one at least, as the kernel takes them, each as often as that makes a difference, twice at
 * most: so that the work is bounded by what the store holds, however often a key is named.
 */
export function sourcesOf(operation: BitOperation, values: readonly PlacedValue[]): Buffer {
  const [first, ...others] = values;
  const combined = FIRST_APART.has(operation) ? others : values;
  const times = new Map<number, number>();
  const lengths = new Map<number, number>();
  for (const { address, length } of combined) {
    times.set(address, (times.get(address) ?? 0) + 1);
    lengths.set(address, length);
  }
  const sources = FIRST_APART.has(operation) ? [first!] : [];
  for (const [address, count] of times) {
    const value = { address, length: lengths.get(address)! };
    for (let left = timesUsed(operation, count); left > 0; left--) sources.push(value);
  }
  const bytes = Buffer.alloc(sources.length * layout.BITOP_SOURCE_BYTES);
  sources.forEach(({ address, length }, index) => {
    bytes.writeUInt32LE(address, index * layout.BITOP_SOURCE_BYTES);
    bytes.writeUInt32LE(length, index * layout.BITOP_SOURCE_BYTES + 4);
  });
  return bytes;
}

function timesUsed(operation: BitOperation, count: number): number {
  if (operation === 'xor') return count % 2;
  return operation === 'one' ? Math.min(count, 2) : 1;
}
