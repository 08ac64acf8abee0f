// The table of arguments, (address, bytes) pairs, and which of them are those of the command at hand.
import { ARGUMENTS_MAX } from '../layout';
import { allocateReserve, freePages, runBytes } from '../memory/pages';

const FIRST_CAPACITY: u32 = 1024;

let table: usize = 0;
/** Address of the first argument's entry of the command at hand. */
let base: usize = 0;
/** How many arguments the table has room for. */
export let argumentCapacity: u32 = 0;
/** How many arguments the command at hand has, its name included. */
export let argc: u32 = 0;
/** Bytes of the longest argument that a client may send, and of the longest value that it may build. */
export let maxArgumentBytes: i64 = 67108864;

export function limitArgument(bytes: u32): void {
  maxArgumentBytes = bytes;
}

export function initializeArguments(): bool {
  return growArguments(FIRST_CAPACITY);
}

/** Makes room for `count` arguments; returns false when there are too many or memory is exhausted. */
export function growArguments(count: u32): bool {
  if (count <= argumentCapacity) return true;
  if (count > <u32>ARGUMENTS_MAX) return false;
  // The table is outside the memory limit: a full store must still take a DEL of many keys.
  const larger = allocateReserve((<usize>count) << 3);
  if (larger === 0) return false;
  if (table !== 0) freePages(table);
  table = larger;
  argumentCapacity = <u32>(runBytes(larger) >> 3);
  return true;
}

/** Makes the `count` arguments from the table's entry `first` on those of the command at hand. */
export function setArguments(first: u32, count: u32): void {
  base = table + ((<usize>first) << 3);
  argc = count;
}

/** Returns the address of the first argument's entry. */
export function argumentTable(): usize {
  return base;
}

export function setArgument(index: u32, at: usize, length: u32): void {
  store<u32>(table + ((<usize>index) << 3), <u32>at);
  store<u32>(table + ((<usize>index) << 3), length, 4);
}

export function argument(index: u32): usize {
  return load<u32>(base + ((<usize>index) << 3));
}

export function argumentLength(index: u32): u32 {
  return load<u32>(base + ((<usize>index) << 3), 4);
}

/** Returns the first eight bytes of an argument as a little-endian word of lower-case letters. */
export function wordOf(index: u32): u64 {
  const length = argumentLength(index);
  // Eight bytes can always be loaded, because INPUT_SLACK_BYTES behind any input are readable.
  const bytes = load<u64>(argument(index)) | 0x2020202020202020;
  return length >= 8 ? bytes : bytes & (((<u64>1) << ((<u64>length) << 3)) - 1);
}
