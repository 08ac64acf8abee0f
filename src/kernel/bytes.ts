// Copies short strings in loads and stores, because memory.copy costs a call.

/** Copies `bytes` bytes between places that do not overlap. */
export function copyBytes(target: usize, source: usize, bytes: u32): void {
  if (bytes > 128) {
    memory.copy(target, source, bytes);
    return;
  }
  let at: usize = 0;
  const words = <usize>bytes & ~7;
  for (; at < words; at += 8) store<u64>(target + at, load<u64>(source + at));
  if ((bytes & 4) !== 0) {
    store<u32>(target + at, load<u32>(source + at));
    at += 4;
  }
  if ((bytes & 2) !== 0) {
    store<u16>(target + at, load<u16>(source + at));
    at += 2;
  }
  if ((bytes & 1) !== 0) store<u8>(target + at, load<u8>(source + at));
}
