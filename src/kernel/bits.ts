// The bits of values, wherever these lie: they are counted and found. Bit 0 is the highest of the first byte.

/** Returns how many bits are set in `bytes` bytes of a value. */
export function countBits(at: usize, bytes: u32): u32 {
  let bits: u64 = 0;
  let offset: usize = 0;
  const words = <usize>bytes & ~7;
  for (; offset < words; offset += 8) bits += popcnt<u64>(load<u64>(at + offset));
  for (; offset < <usize>bytes; offset++) bits += popcnt<u32>(load<u8>(at + offset));
  return <u32>bits;
}

/**
 * Returns the first bit of a value from `start` on and before `end`, in bits, that is set (`bit` is 1) or
 * clear (0); -1 when there is none.
 */
export function findBit(at: usize, start: f64, end: f64, bit: u32): f64 {
  const stop = <u64>end;
  // The sought bits become set bits.
  const flip: u64 = bit === 0 ? -1 : 0;
  let index = <u64>start;
  while (index < stop) {
    const byte = at + <usize>(index >> 3);
    if ((index & 7) === 0 && stop - index >= 64) {
      const word = bswap<u64>(load<u64>(byte)) ^ flip;
      if (word !== 0) return <f64>(index + clz<u64>(word));
      index += 64;
      continue;
    }
    const first = <u32>index & 7;
    const found = (<u32>load<u8>(byte) ^ <u32>flip) & 0xff & (0xff >> first);
    const next = index - first + 8;
    if (found !== 0) {
      const place = index - first + clz<u32>(found) - 24;
      return place < stop ? <f64>place : -1;
    }
    index = next;
  }
  return -1;
}
