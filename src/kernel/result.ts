// The result block: words that the host reads after a call, beside what the call returns; layout.ts names
// them.

/** Address of the block's RESULT_WORDS words. */
export const result: usize = memory.data(120, 8);

/** Sets a word of the block. */
export function setResult(word: u32, value: u32): void {
  store<u32>(result + ((<usize>word) << 2), value);
}

/** Sets the two words from `word` on. */
export function setResultU64(word: u32, value: u64): void {
  store<u64>(result + ((<usize>word) << 2), value);
}

/** Sets the two words from `word` on. */
export function setResultF64(word: u32, value: f64): void {
  store<f64>(result + ((<usize>word) << 2), value);
}
