// XXH3-64 of bytes that come in pieces. A state is HASH_STATE_BYTES long:
//   0 the accumulators, 64 bytes taken in so far (u64), 72 bytes held (u32)
//   80 the last stripe before the bytes held, 144 the bytes held, a block of them at most
// A block goes into the accumulators once another byte follows it, because the last one ends otherwise.
import { addBlock, finishLanes, HASH_BLOCK_BYTES, HASH_STRIPE_BYTES, startLanes, xxh3 } from './xxh3';

const STRIPE_AT: usize = 80;
const HELD_AT: usize = STRIPE_AT + HASH_STRIPE_BYTES;
export const HASH_STATE_BYTES: usize = HELD_AT + HASH_BLOCK_BYTES;

/** Begins a hash. */
export function beginHash(state: usize): void {
  startLanes(state);
  store<u64>(state, 0, 64);
  store<u32>(state, 0, 72);
}

/** Takes in the next bytes. */
export function hashPiece(state: usize, at: usize, length: usize): void {
  store<u64>(state, load<u64>(state, 64) + <u64>length, 64);
  let held = <usize>load<u32>(state, 72);
  let left = length;
  if (held > 0) {
    const taken = min(HASH_BLOCK_BYTES - held, left);
    memory.copy(state + HELD_AT + held, at, taken);
    held += taken;
    at += taken;
    left -= taken;
    if (left > 0) {
      addBlock(state, state + HELD_AT);
      keepStripe(state, state + HELD_AT + HASH_BLOCK_BYTES);
      held = 0;
    }
  }
  if (left > 0) {
    const blocks = (left - 1) & ~(HASH_BLOCK_BYTES - 1);
    for (const end = at + blocks; at < end; at += HASH_BLOCK_BYTES) addBlock(state, at);
    if (blocks > 0) keepStripe(state, at);
    held = left - blocks;
    memory.copy(state + HELD_AT, at, held);
  }
  store<u32>(state, <u32>held, 72);
}

/** Returns the hash of all that was taken in. */
export function endHash(state: usize): u64 {
  const total = load<u64>(state, 64);
  const held = <usize>load<u32>(state, 72);
  if (total <= <u64>HASH_BLOCK_BYTES) return xxh3(state + HELD_AT, held);
  return finishLanes(state, state + HELD_AT, held, total);
}

function keepStripe(state: usize, end: usize): void {
  memory.copy(state + STRIPE_AT, end - HASH_STRIPE_BYTES, HASH_STRIPE_BYTES);
}
