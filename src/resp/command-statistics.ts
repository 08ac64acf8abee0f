/**
 * The counts since the start or CONFIG RESETSTAT: calls of each command, and the totals of INFO stats. The
 * kernel counts the commands that it runs in place; its counts are read on demand and added to those here.
 */
import { ErrorCounts } from './error-counts.js';
import type { Latencies } from './latencies.js';
import { Rate } from './rate.js';

/** How a command ended: `rejected` ones did not run. */
export type Outcome = 'ok' | 'failed' | 'rejected';

/** Counts of one command. */
export interface CommandCounts {
  /** The full name: `get`, `client|list`. */
  readonly name: string;
  /** Calls that ran, failed ones included. */
  readonly calls: number;
  /** Calls that were refused before they ran: by arity, MULTI, memory, … */
  readonly rejected: number;
  readonly failed: number;
}

/** Counts and time of one command. */
export interface CommandRow extends CommandCounts {
  readonly microseconds: number;
}

/** Counts of the kernel; all only grow. A total that it does not count is absent. */
export interface KernelTotals {
  /** Microseconds that running commands in place has taken. */
  readonly microseconds?: number;
  readonly keyspaceHits?: number;
  readonly keyspaceMisses?: number;
  readonly expiredKeys?: number;
  readonly evictedKeys?: number;
  /** Commands that were refused with OOM, and with READONLY. */
  readonly memoryRefusals?: number;
  readonly replicaRefusals?: number;
}

/** The figures of a server that are read from time to time, for rates and peaks. */
export interface Sample {
  readonly nowMs: number;
  /** Bytes that all clients have sent and were sent, those that have left included. */
  readonly inputBytes: number;
  readonly outputBytes: number;
  readonly usedMemoryBytes: number;
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/** The statistics of commands that INFO shows. */
export class CommandStatistics {
  // Counted by the server as they happen.
  connections = 0;
  rejectedConnections = 0;
  inputBytes = 0;
  outputBytes = 0;
  /** The most bytes of content that were seen. */
  peakMemoryBytes = 0;
  /** How long commands take; undefined where nobody asks for it. */
  readonly latencies: Latencies | undefined;
  /** Errors of commands outside the kernel, and of kernels that were replaced. */
  readonly #errors = new ErrorCounts();
  readonly #operations = new Rate();
  readonly #input = new Rate();
  readonly #output = new Rate();
  readonly #kernelCounts: () => Iterable<CommandCounts>;
  readonly #kernelTotals: () => KernelTotals;
  /** Commands that ran, or were refused, outside the kernel. */
  readonly #rows = new Map<string, Mutable<CommandRow>>();
  /** Totals of the kernels that were replaced. */
  #earlier: KernelTotals = {};
  /** The kernel's counts at the last reset. */
  #before: { rows: ReadonlyMap<string, CommandCounts>; totals: KernelTotals } = {
    rows: new Map(),
    totals: {},
  };

  constructor(
    kernelCounts: () => Iterable<CommandCounts>,
    kernelTotals: () => KernelTotals = () => ({}),
    latencies?: Latencies,
  ) {
    this.#kernelCounts = kernelCounts;
    this.#kernelTotals = kernelTotals;
    this.latencies = latencies;
  }

  record(name: string, microseconds: number, outcome: Outcome): void {
    const row = this.#rowOf(name);
    if (outcome === 'rejected') row.rejected += 1;
    else {
      row.calls += 1;
      row.microseconds += microseconds;
      if (outcome === 'failed') row.failed += 1;
    }
  }

  /** Counts an error that was answered, by its text. */
  recordError(text: string): void {
    this.#errors.record(text);
  }

  /** How many errors were answered, by their first word. */
  get errors(): ErrorCounts {
    const errors = this.#errors.copy();
    this.#addKernelErrors(errors);
    return errors;
  }

  /** Every command that was called or refused, by name. */
  rows(): readonly CommandRow[] {
    const merged = new Map([...this.#rows].map(([name, row]) => [name, { ...row }]));
    for (const row of this.#kernelRows()) {
      const present = merged.get(row.name);
      if (present === undefined) merged.set(row.name, { ...row });
      else addTo(present, row);
    }
    const rows = [...merged.values()].map((row) => ({ ...row, microseconds: Math.floor(row.microseconds) }));
    return rows.sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  /**
   * Calls `take` with how often each command ran, twice with one that ran within the kernel and outside. This
   * costs far less than `rows`.
   */
  eachCalled(take: (name: string, calls: number) => void): void {
    for (const { name, calls } of this.#rows.values()) take(name, calls);
    const before = this.#before.rows;
    for (const { name, calls } of this.#kernelCounts()) take(name, calls - (before.get(name)?.calls ?? 0));
  }

  /** The number of commands that ran. */
  get commandsProcessed(): number {
    let sum = 0;
    this.eachCalled((_, calls) => {
      sum += calls;
    });
    return sum;
  }

  /** The kernel's total since the last reset; undefined where the kernel does not count it. */
  total(name: keyof KernelTotals): number | undefined {
    const now = this.#kernelTotals()[name];
    return now === undefined
      ? undefined
      : now + (this.#earlier[name] ?? 0) - (this.#before.totals[name] ?? 0);
  }

  /** Takes a sample; to be called every 100 ms or so. */
  sample({ nowMs, inputBytes, outputBytes, usedMemoryBytes }: Sample): void {
    this.#operations.sample(this.commandsProcessed, nowMs);
    this.#input.sample(inputBytes, nowMs);
    this.#output.sample(outputBytes, nowMs);
    this.peakMemoryBytes = Math.max(this.peakMemoryBytes, usedMemoryBytes);
  }

  /** Commands per second at present; undefined before there were two samples. */
  get commandsPerSecond(): number | undefined {
    return this.#operations.perSecond;
  }

  /** Bytes per second that clients send at present; undefined before there were two samples. */
  get inputBytesPerSecond(): number | undefined {
    return this.#input.perSecond;
  }

  /** Bytes per second that clients are sent at present; undefined before there were two samples. */
  get outputBytesPerSecond(): number | undefined {
    return this.#output.perSecond;
  }

  /** Begins all counts again: CONFIG RESETSTAT. */
  reset(): void {
    this.#rows.clear();
    this.#earlier = {};
    this.#before = { rows: byName(this.#kernelCounts()), totals: this.#kernelTotals() };
    this.connections = 0;
    this.rejectedConnections = 0;
    this.inputBytes = 0;
    this.outputBytes = 0;
    this.#errors.reset();
    this.latencies?.reset();
  }

  /** Takes over the kernel's counts; called before another kernel, whose counts begin at 0, replaces it. */
  kernelGoes(): void {
    const totals = Object.fromEntries(
      Object.keys(this.#kernelTotals()).map((name) => [name, this.total(name as keyof KernelTotals)]),
    );
    this.#addKernelErrors(this.#errors);
    this.latencies?.kernelGoes();
    for (const row of [...this.#kernelRows()]) addTo(this.#rowOf(row.name), row);
    this.#earlier = totals;
    this.#before = { rows: new Map(), totals: {} };
  }

  /** The kernel's errors begin with ERR, apart from those that it counts by themselves. */
  #addKernelErrors(errors: ErrorCounts): void {
    let all = 0;
    for (const { failed, rejected } of this.#kernelRows()) all += failed + rejected;
    const { totals } = this.#before;
    const now = this.#kernelTotals();
    const memory = (now.memoryRefusals ?? 0) - (totals.memoryRefusals ?? 0);
    const replica = (now.replicaRefusals ?? 0) - (totals.replicaRefusals ?? 0);
    errors.add('ERR', all - memory - replica);
    errors.add('OOM', memory);
    errors.add('READONLY', replica);
  }

  #rowOf(name: string): Mutable<CommandRow> {
    let row = this.#rows.get(name);
    if (row === undefined) {
      row = { name, calls: 0, microseconds: 0, rejected: 0, failed: 0 };
      this.#rows.set(name, row);
    }
    return row;
  }

  /**
   * Counts since the last reset. Commands in place are not timed singly: their time is shared out by calls.
   */
  *#kernelRows(): Iterable<CommandRow> {
    const rows = [...this.#kernelCounts()].map((now) => since(now, this.#before.rows.get(now.name)));
    const calls = rows.reduce((sum, row) => sum + row.calls, 0);
    const spentUs = (this.#kernelTotals().microseconds ?? 0) - (this.#before.totals.microseconds ?? 0);
    for (const row of rows) {
      if (row.calls + row.rejected + row.failed === 0) continue;
      yield { ...row, microseconds: calls === 0 ? 0 : (spentUs * row.calls) / calls };
    }
  }
}

function since(now: CommandCounts, before: CommandCounts | undefined): CommandCounts {
  if (before === undefined) return now;
  return {
    name: now.name,
    calls: now.calls - before.calls,
    rejected: now.rejected - before.rejected,
    failed: now.failed - before.failed,
  };
}

function addTo(row: Mutable<CommandRow>, more: CommandRow): void {
  row.calls += more.calls;
  row.microseconds += more.microseconds;
  row.rejected += more.rejected;
  row.failed += more.failed;
}

function byName(rows: Iterable<CommandCounts>): ReadonlyMap<string, CommandCounts> {
  return new Map(Array.from(rows, (row) => [row.name, row]));
}
