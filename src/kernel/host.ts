// The functions of the host, which it gives in the imported module `host`. None may call back into the
// kernel.

/** Takes a sealed batch of a shard. The payload is valid during the call only. */
export declare function seal(
  shard: u32,
  payload: usize,
  bytes: usize,
  records: u32,
  min: u64,
  max: u64,
): void;
/** Is called when the first record since the last flush waits in an open frame. */
export declare function dirty(): void;
/** Takes a note (NOTE_*) about a key, which is valid during the call only; `command` is one of COMMAND_*. */
export declare function note(what: u32, command: i32, key: usize, bytes: u32): void;
/** Is called when the first change that clients track waits to be taken since they last were. */
export declare function changed(): void;
