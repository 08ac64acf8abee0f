// Random numbers by splitmix64, for choices that nobody shall foresee and no content depends on.
let state: u64 = 0;

export function seedRandom(seed: u64): void {
  state = seed * 0xd1342543de82ef95;
}

/** Returns 64 random bits. */
export function random(): u64 {
  state += 0x9e3779b97f4a7c15;
  let bits = state;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  return bits ^ (bits >> 31);
}

/** Returns a whole number below `limit`. */
export function randomBelow(limit: u32): u32 {
  return <u32>(((random() >> 32) * <u64>limit) >> 32);
}
