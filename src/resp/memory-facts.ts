/** The facts about a server's memory: INFO's section and MEMORY STATS, DOCTOR and MALLOC-STATS show them. */

/** The facts at one moment, in bytes. */
export interface MemoryFacts {
  /** Of content: records, tables and expiries. */
  readonly usedBytes: number;
  /** The most of content that was seen. */
  readonly peakBytes: number;
  /** Of a store without keys. */
  readonly emptyBytes: number;
  /** In blocks that hold records. */
  readonly recordBytes: number;
  readonly tableBytes: number;
  /** In open frames' buffers. */
  readonly frameBytes: number;
  /** In free blocks between records. */
  readonly freeBlockBytes: number;
  /** In pages that are handed out, what is free within them included. */
  readonly allocatedBytes: number;
  /** Of commands and replies that wait, of all clients. */
  readonly clientBytes: number;
  /** Of frames that are kept for replicas. */
  readonly backlogBytes: number;
  readonly scripts: { readonly count: number; readonly bytes: number };
  /** Of the process as a whole. */
  readonly residentBytes: number;
}

/** The parts of a server from which the facts are gathered. */
export interface MemoryParts {
  readonly engine: {
    usedBytes(): number;
    readonly emptyBytes: number;
    memory(): { records: number; tables: number; frames: number; freeBlocks: number; allocated: number };
  };
  readonly peakBytes: number;
  readonly clientBytes: number;
  readonly backlogBytes: number;
  readonly scripts: { readonly count: number; readonly cachedBytes: number } | undefined;
}

/** Gathers the facts. */
export function memoryFacts({
  engine,
  peakBytes,
  clientBytes,
  backlogBytes,
  scripts,
}: MemoryParts): MemoryFacts {
  const usedBytes = engine.usedBytes();
  const { records, tables, frames, freeBlocks, allocated } = engine.memory();
  return {
    usedBytes,
    peakBytes: Math.max(peakBytes, usedBytes),
    emptyBytes: engine.emptyBytes,
    recordBytes: records,
    tableBytes: tables,
    frameBytes: frames,
    freeBlockBytes: freeBlocks,
    allocatedBytes: allocated,
    clientBytes,
    backlogBytes,
    scripts: { count: scripts?.count ?? 0, bytes: scripts?.cachedBytes ?? 0 },
    residentBytes: process.memoryUsage.rss(),
  };
}

/** Content that is no record: tables and expiries. */
export function overheadBytes({ usedBytes, recordBytes }: MemoryFacts): number {
  return Math.max(usedBytes - recordBytes, 0);
}

/** How many percent of what was added to an empty store the records are. */
export function datasetPercent({ usedBytes, recordBytes, emptyBytes }: MemoryFacts): number {
  return percentOf(recordBytes, usedBytes - emptyBytes);
}

/** How many percent of the peak are used. */
export function peakPercent({ usedBytes, peakBytes }: MemoryFacts): number {
  return percentOf(usedBytes, peakBytes);
}

/** How many times `whole` goes into `part`. */
export function ratioOf(part: number, whole: number): number {
  return part / Math.max(whole, 1);
}

function percentOf(part: number, whole: number): number {
  return Math.min(100 * ratioOf(part, whole), 100);
}
