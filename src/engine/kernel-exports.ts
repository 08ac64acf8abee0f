/**
 * The signatures of the compiled kernel, which test/engine/kernel-exports.test.ts holds to the module itself.
 */

/**
 * The exports of a kernel; src/kernel/index.ts describes each. Numbers are i32, u32 or f64 by WebAssembly's
 * types, bigints are u64: an address or another u32 is read with `>>> 0`, a u64 with `BigInt.asUintN(64, …)`.
 */
export interface KernelExports {
  memory: { readonly buffer: ArrayBuffer };
  initialize(
    shards: number,
    route: number,
    secretLow: bigint,
    secretHigh: bigint,
    maxMemoryBytes: number,
    maxArgument: number,
    batchRecords: number,
    batchBytes: number,
  ): number;
  resultBlock(): number;
  allocate(bytes: number): number;
  release(buffer: number): void;
  setTime(wallMs: number, monotonicUs: number): void;
  setReplica(replica: number): void;
  setFrozen(frozen: number): void;
  setMode(mode: number): void;
  callsOf(command: number, end: number): number;
  ranSinceNote(): number;
  noteLatency(bucket: number): void;
  latencyOf(command: number, bucket: number): number;
  forgetLatency(): void;
  memoryRefusals(): number;
  replicaRefusals(): number;
  execute(input: number, length: number, output: number, outputLength: number): number;
  apply(payload: number, bytes: number): number;
  pass(payload: number, bytes: number): number;
  lastRecord(): number;
  rememberPrint(shard: number, sequence: bigint, print: bigint): void;
  hasRecord(payload: number, bytes: number, shard: number, sequence: bigint, print: bigint): number;
  loadEntries(entries: number, bytes: number, count: number, governed: number): number;
  checkEntries(entries: number, bytes: number, count: number, governed: number): number;
  readRdb(
    input: number,
    bytes: number,
    output: number,
    capacity: number,
    limit: number,
    expiredMs: bigint,
  ): number;
  verifyStart(): number;
  verifyRouting(shards: number, byPrefix: number): void;
  verifyRouted(): number;
  verifyRaise(shard: number, sequence: bigint): void;
  verifyForget(): void;
  verifyOpen(payload: number, bytes: number): number;
  verifyNext(checks: number): number;
  linesOfBatch(payload: number, bytes: number): number;
  linesOfEntries(payload: number, entries: number, bytes: number, count: number, governed: number): number;
  writeLines(output: number, capacity: number, offset: bigint, fixed: number, values: number): number;
  filterRanges(first: bigint, last: bigint, sinceMs: bigint, untilMs: bigint): void;
  filterLists(
    opBits: number,
    shards: number,
    shardsListed: number,
    globs: number,
    globsListed: number,
    recordsOnly: number,
  ): void;
  statsStart(secretLow: bigint, secretHigh: bigint): number;
  statsReach(shard: number, watermark: bigint): void;
  statsBatch(
    payload: number,
    bytes: number,
    offset: bigint,
    fixed: number,
    shown: number,
    limit: number,
  ): number;
  statsEntries(
    payload: number,
    entries: number,
    bytes: number,
    count: number,
    governed: number,
    offset: bigint,
    fixed: number,
    shown: number,
    limit: number,
  ): number;
  sampleUses(uses: number, untilMs: number): number;
  forgetUses(): void;
  sampledUses(): number;
  usedMost(rank: number): number;
  countOfUsed(item: number): number;
  nextUse(): number;
  countUse(key: number, keyBytes: number): void;
  prefixes(): number;
  hotKeys(): number;
  biggestValues(): number;
  rateCounts(): number;
  rateShift(): number;
  rateFirst(): bigint;
  rateSpan(): number;
  scan(shard: number, cursor: bigint, generation: bigint, output: number, capacity: number): number;
  listKeys(
    shard: number,
    cursor: bigint,
    generation: bigint,
    output: number,
    capacity: number,
    pattern: number,
    patternBytes: number,
  ): number;
  scanKeys(
    cursor: bigint,
    count: number,
    pattern: number,
    patternBytes: number,
    output: number,
    capacity: number,
  ): number;
  matches(pattern: number, patternBytes: number, text: number, textBytes: number, ignoreCase: number): number;
  keepDigests(keeps: number): void;
  digestShard(shard: number): void;
  digestRanges(
    shard: number,
    cursor: bigint,
    first: bigint,
    last: bigint,
    shift: number,
    parts: number,
    limit: number,
    fromContent: number,
  ): void;
  entryOf(shard: number, key: number, length: number): number;
  emitAgain(shard: number, key: number, length: number): number;
  listParts(
    shard: number,
    cursor: bigint,
    shift: number,
    wanted: number,
    output: number,
    capacity: number,
    limit: number,
    leastKeyBytes: number,
  ): number;
  emitLongAgain(shard: number, cursor: bigint, keyHash: bigint, length: number, limit: number): number;
  checkContent(records: number, bytes: number): number;
  randomKey(): number;
  deleteSome(limit: number): number;
  contentChangeCount(): number;
  longKeyChangeCount(): number;
  watchKey(key: number, length: number): number;
  unwatchKey(key: number, length: number): void;
  changedSince(key: number, length: number, ticket: number): number;
  flushAll(): void;
  flushDue(maxDelayUs: number): number;
  get(key: number, length: number): number;
  look(key: number, length: number): number;
  expiryOfKey(key: number, length: number): bigint;
  put(key: number, keyBytes: number, value: number, valueBytes: number, expiresAtMs: bigint): number;
  removeKey(key: number, keyBytes: number): number;
  expireKey(key: number, keyBytes: number, expiresAtMs: bigint): number;
  limitMemory(
    maxBytes: number,
    policy: number,
    samples: number,
    logFactor: number,
    decayMinutes: number,
  ): void;
  makeRoom(): number;
  relieve(attempt: number): number;
  evictedCount(): number;
  touchKey(key: number, keyBytes: number): number;
  accessOfKey(key: number, keyBytes: number): number;
  recordBytesOf(key: number, keyBytes: number): number;
  copyKey(from: number, fromBytes: number, to: number, toBytes: number, carriesUses: number): number;
  overwrite(key: number, keyBytes: number, offset: number, part: number, partBytes: number): number;
  hasRoomFor(bytes: number): number;
  countBits(at: number, bytes: number): number;
  findBit(at: number, start: number, end: number, bit: number): number;
  bitField(key: number, keyBytes: number, fields: number, count: number, writtenBytes: number): number;
  combineBits(operation: number, sources: number, count: number, result: number, bytes: number): void;
  crc64(before: bigint, at: number, length: number): bigint;
  lzfCompress(from: number, length: number, target: number, capacity: number, heads: number): number;
  lzfExpand(from: number, length: number, target: number, expanded: number): number;
  setAccessOfKey(key: number, keyBytes: number, access: number): number;
  sweep(limit: number): number;
  trackKey(key: number, keyBytes: number, tracker: number): void;
  limitTracked(most: number): void;
  letGo(most: number): number;
  leave(tracker: number): void;
  purge(most: number): number;
  forgetTracked(): void;
  takeChanged(output: number): number;
  takeLost(): number;
  trackedKeys(): number;
  trackedItems(): number;
  setPrefixes(run: number, count: number): void;
  takeBroadcasts(output: number): number;
  takeLostBroadcast(): number;
  compact(limit: number): number;
  xxh3(at: number, length: number): bigint;
  entryStateBytes(): number;
  entryBegin(state: number, offset: number, bytes: number, kind: number, isPlain: number): void;
  entryTake(state: number, at: number, length: number): void;
  entryOpen(state: number): void;
  entryWalk(state: number, at: number, length: number): void;
  entryEnd(state: number): void;
  plainEntries(
    state: number,
    frames: number,
    bytes: number,
    offset: number,
    entries: number,
    most: number,
  ): number;
  sealGroup(
    state: number,
    proof: number,
    at: number,
    length: number,
    offset: number,
    entries: number,
    before: number,
    most: number,
    start: number,
    proved: number,
    seal: number,
  ): number;
  entrySeal(entry: number): void;
  entryIsSound(entry: number): number;
  soundEntries(entries: number, count: number, offset: number): number;
  routeKey(key: number, length: number): number;
  watermark(shard: number): bigint;
  setWatermark(shard: number, sequence: bigint): void;
  expectContent(keys: number, bytes: number): void;
  keysIn(shard: number): number;
  expiringIn(shard: number): number;
  averageTtlMs(): number;
  staleKeys(): number;
  expiredCount(): number;
  /** Counts a read, by whether it found its key. */
  countRead(isFound: number): void;
  /** Has the host called with these notes, a bit for each of NOTE_*. */
  wantNotes(bits: number): void;
  noteKey(what: number, key: number, bytes: number): void;
  /** Bytes of the records that were emitted so far. */
  emittedBytes(): number;
  keyspaceHits(): number;
  keyspaceMisses(): number;
  recordsEmitted(): number;
  memoryUsed(): number;
  memoryAllocated(): number;
  memoryAvailable(): number;
  memoryInRecords(): number;
  memoryInFreeBlocks(): number;
  memoryInTables(): number;
  memoryInFrames(): number;
  /** Asserts the invariants of all structures; in the debug build alone, as is the rest. */
  invariants?(): void;
  skipGenerations?(count: bigint): void;
  keyedHash?(at: number, length: number): bigint;
  valueHash?(at: number, length: number): bigint;
  takeChosenHashes?(): void;
  bucketsProbed?(): number;
  recordsMoved?(): number;
}

/**
 * The functions that a kernel calls; none may call back into it. The payload of `seal` and the key of `note`
 * are valid during the call only.
 */
export interface KernelHost {
  seal(shard: number, payload: number, bytes: number, records: number, min: bigint, max: bigint): void;
  dirty(): void;
  note(what: number, command: number, key: number, bytes: number): void;
  changed(): void;
}
