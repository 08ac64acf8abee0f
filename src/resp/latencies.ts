/**
 * How long commands take, by command: LATENCY HISTOGRAM and INFO's latencystats. A command that the kernel
 * runs is not timed singly: it counts with the mean of the run of commands that it was part of.
 */
import { LATENCY_BUCKETS } from '../kernel/layout.js';

/** The calls of a command by bucket; `latencyBucket` says which. */
export type LatencyCounts = Float64Array;

/** The latencies of one command. */
export interface LatencyRow {
  /** The full name: `get`, `client|list`. */
  readonly name: string;
  readonly counts: LatencyCounts;
}

/** The latencies of the kernel's commands, behind an interface because this file does not know the kernel. */
export interface KernelLatencies {
  rows(): Iterable<LatencyRow>;
  forget(): void;
}

const NS_PER_US = 1000;
/** Times below 2^6 ns count as that. */
const FIRST_POWER = 6;
/** Buckets of each power of two, as a power of two. */
const PART_BITS = 3;
const PARTS = 1 << PART_BITS;
/** The first power that is shown: about a microsecond. */
const FIRST_SHOWN_POWER = 10;
const NS_MAX = 2 ** 30 - 1;

/** The bucket of a time in microseconds: eight for each power of two, up to a second. */
export function latencyBucket(us: number): number {
  const ns = Math.min(us * NS_PER_US, NS_MAX) | 0;
  const power = 31 - Math.clz32(ns | (1 << FIRST_POWER));
  if (ns < 1 << FIRST_POWER) return 0;
  return ((power - FIRST_POWER) << PART_BITS) + ((ns >> (power - PART_BITS)) & (PARTS - 1));
}

/** The microseconds below which `percent` of the calls were, by the upper end of their bucket. */
export function latencyPercentile(counts: LatencyCounts, percent: number): number {
  const wanted = Math.max(1, Math.ceil((percent / 100) * totalOf(counts)));
  let calls = 0;
  const bucket = counts.findIndex((more) => {
    calls += more;
    return calls >= wanted;
  });
  const at = bucket === -1 ? LATENCY_BUCKETS - 1 : bucket;
  return startNs(at + 1) / NS_PER_US;
}

/** How many calls were counted. */
export function totalOf(counts: LatencyCounts): number {
  return counts.reduce((sum, calls) => sum + calls, 0);
}

/** Returns the time that all calls took, microseconds, as if each had taken the middle of its bucket. */
export function latencySum(counts: LatencyCounts): number {
  const ns = counts.reduce(
    (sum, calls, bucket) => sum + (calls * (startNs(bucket) + startNs(bucket + 1))) / 2,
    0,
  );
  return ns / NS_PER_US;
}

/** Returns, for each power of two of nanoseconds from 2^10 on, how many calls took less. */
export function callsBelow(counts: LatencyCounts): readonly (readonly [ns: number, calls: number])[] {
  const pairs: [number, number][] = [];
  let calls = 0;
  for (let power = FIRST_POWER; power < FIRST_POWER + LATENCY_BUCKETS / PARTS; power++) {
    const first = (power - FIRST_POWER) * PARTS;
    calls += totalOf(counts.subarray(first, first + PARTS));
    if (power + 1 >= FIRST_SHOWN_POWER) pairs.push([2 ** (power + 1), calls]);
  }
  return pairs;
}

/**
 * Pairs of microseconds, about a power of two, and how many calls took no longer; only where that is more
 * than before.
 */
export function latencyDistribution(
  counts: LatencyCounts,
): readonly (readonly [us: number, calls: number])[] {
  return callsBelow(counts)
    .filter(([, calls], index, pairs) => calls > (pairs[index - 1]?.[1] ?? 0))
    .map(([ns, calls]) => [Math.floor(ns / NS_PER_US), calls]);
}

/** The nanoseconds at which a bucket begins. */
function startNs(bucket: number): number {
  return (PARTS + (bucket % PARTS)) * 2 ** (FIRST_POWER - PART_BITS + (bucket >> PART_BITS));
}

/** The latencies of all commands since the start or CONFIG RESETSTAT. */
export class Latencies {
  readonly #kernel: KernelLatencies;
  /** Of commands outside the kernel, and of kernels that were replaced. */
  readonly #counts = new Map<string, LatencyCounts>();

  constructor(kernel: KernelLatencies) {
    this.#kernel = kernel;
  }

  /** Counts a call that took so many microseconds. */
  record(name: string, microseconds: number): void {
    this.#countsOf(name)[latencyBucket(microseconds)]! += 1;
  }

  /** Every command that was called, by name. */
  rows(): readonly LatencyRow[] {
    const merged = new Map([...this.#counts].map(([name, counts]) => [name, counts.slice()]));
    for (const { name, counts } of this.#kernel.rows()) addRow(merged, name, counts);
    return [...merged]
      .map(([name, counts]) => ({ name, counts }))
      .filter(({ counts }) => counts.some((calls) => calls > 0))
      .sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  /** Begins again: CONFIG RESETSTAT. */
  reset(): void {
    this.#counts.clear();
    this.#kernel.forget();
  }

  /** Takes over what the kernel has counted; called before another kernel replaces it. */
  kernelGoes(): void {
    for (const { name, counts } of this.#kernel.rows()) addRow(this.#counts, name, counts);
  }

  #countsOf(name: string): LatencyCounts {
    const present = this.#counts.get(name);
    if (present !== undefined) return present;
    const counts = new Float64Array(LATENCY_BUCKETS);
    this.#counts.set(name, counts);
    return counts;
  }
}

function addRow(rows: Map<string, LatencyCounts>, name: string, more: LatencyCounts): void {
  const present = rows.get(name);
  if (present === undefined) rows.set(name, more.slice());
  else addCounts(present, more);
}

/** Adds the calls of `more` to those of `counts`. */
export function addCounts(counts: LatencyCounts, more: LatencyCounts): void {
  for (const [bucket, calls] of more.entries()) counts[bucket]! += calls;
}
