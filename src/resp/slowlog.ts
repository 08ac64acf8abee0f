/**
 * The commands that took longest to run (SLOWLOG): a ring, newest last, of those that
 * `slowlog-log-slower-than` lets in.
 */
import type { Clock } from '../clock.js';
import type { ClientState } from './client-state.js';
import type { Settings } from './settings.js';

/** The most arguments that an entry keeps; the last of them then says how many more there were. */
const ARGUMENTS_MAX = 32;
/** Bytes that an entry keeps of an argument. */
const ARGUMENT_BYTES_MAX = 128;

/** The most microseconds that a command in the kernel takes, unless it carries megabytes. */
const FAST_US = 1_000;

/** A command that took long. */
export interface SlowlogEntry {
  readonly id: number;
  /** Unix seconds at which it had run. */
  readonly atSeconds: number;
  readonly durationUs: number;
  /** The arguments, trimmed, in memory of their own. */
  readonly args: readonly Buffer[];
  /** `host:port` of the client. */
  readonly address: string;
  readonly clientName: string;
}

/** The parts of the server that the slow log uses. */
export interface SlowlogOptions {
  readonly settings: Pick<Settings, 'slowlogThresholdUs' | 'slowlogMaxLength'>;
  readonly clock: Clock;
}

/** The last commands that took long. */
export class Slowlog {
  readonly #options: SlowlogOptions;
  readonly #entries: SlowlogEntry[] = [];
  #nextId = 0;

  constructor(options: SlowlogOptions) {
    this.#options = options;
  }

  /** Whether commands that run in the kernel, where none is timed singly, might count as slow too. */
  get wantsFast(): boolean {
    const { slowlogThresholdUs, slowlogMaxLength } = this.#options.settings;
    return slowlogThresholdUs >= 0 && slowlogThresholdUs < FAST_US && slowlogMaxLength > 0;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** Takes in a command that has run, if it was slow enough. `args` are without secrets (redaction.ts). */
  record(args: readonly Buffer[], durationUs: number, client: ClientState): void {
    const { settings, clock } = this.#options;
    const { slowlogThresholdUs, slowlogMaxLength } = settings;
    if (slowlogThresholdUs < 0) return;
    if (durationUs >= slowlogThresholdUs) {
      this.#entries.push({
        id: this.#nextId++,
        atSeconds: Math.floor(clock.nowMs() / 1000),
        durationUs: Math.floor(durationUs),
        args: trimmed(args),
        address: client.address,
        clientName: client.name,
      });
    }
    const surplus = this.#entries.length - slowlogMaxLength;
    if (surplus > 0) this.#entries.splice(0, surplus);
  }

  /** The newest `count` entries, newest first. */
  latest(count: number): readonly SlowlogEntry[] {
    return count === 0 ? [] : this.#entries.slice(-count).reverse();
  }

  /** Forgets all entries; ids continue. */
  reset(): void {
    this.#entries.length = 0;
  }
}

function trimmed(args: readonly Buffer[]): readonly Buffer[] {
  if (args.length <= ARGUMENTS_MAX) return args.map(trimmedArgument);
  const kept = args.slice(0, ARGUMENTS_MAX - 1);
  const more = Buffer.from(`... (${args.length - kept.length} more arguments)`);
  return [...kept.map(trimmedArgument), more];
}

function trimmedArgument(arg: Buffer): Buffer {
  if (arg.length <= ARGUMENT_BYTES_MAX) return Buffer.from(arg);
  const more = Buffer.from(`... (${arg.length - ARGUMENT_BYTES_MAX} more bytes)`);
  return Buffer.concat([arg.subarray(0, ARGUMENT_BYTES_MAX), more]);
}
