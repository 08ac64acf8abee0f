// What the kernel calls of its host; imported from the module `host`.

/** Takes a sealed batch: the bytes are valid during the call only. It must not call back into the kernel. */
export declare function seal(
  shard: u32,
  payload: usize,
  bytes: usize,
  records: u32,
  min: u64,
  max: u64,
): void;
/** The first record since the last flush is waiting. */
export declare function dirty(): void;
