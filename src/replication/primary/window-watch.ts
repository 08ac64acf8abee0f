/**
 * Looks at the replicas once a second: notes how far the stream is (lag-marks.ts), and warns before a replica
 * that is away, or that is connected and behind, falls out of the backlog. Frames that it lacks are no longer
 * kept then, and it needs a snapshot. It warns once for each absence.
 */
import type { Clock, Timer, Timers } from '../../clock.js';
import type { Log } from '../log.js';
import type { Backlog, Leeway } from '../stream/backlog.js';
import { hasReached } from '../watermarks.js';
import { holdsNothing, type ReplicaInfo, replicaText } from './replica-info.js';

const LOOK_MS = 1_000;
/**
 * The part of the backlog past which a replica is warned of: an operator then has as long
 * again to do something, and not longer.
 */
const WARNED_FROM = 0.5;
/** A replica that comes back to this part or less is warned of again when it falls behind again. */
const FORGOTTEN_FROM = 0.25;

/** The replicas and the backlog that are looked at, and the log for the warnings. */
export interface WindowWatchOptions {
  clock: Clock;
  timers: Timers;
  log: Log;
  backlog(): Backlog | undefined;
  /** Returns the connected replicas and those that left. */
  replicas(): readonly ReplicaInfo[];
  /** Called with each look. */
  onLook(): void;
}

/** Looks at the replicas once a second while there are any, and logs each warning once. */
export class WindowWatch {
  readonly #options: WindowWatchOptions;
  /** The addresses of replicas of which has been warned. */
  #warned = new Set<string>();
  #timer: Timer | undefined;

  constructor(options: WindowWatchOptions) {
    this.#options = options;
  }

  /** Called when a replica is connected: looks at the replicas from now on, as long as there are any. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#options.onLook();
    this.#timer = this.#options.timers.after(LOOK_MS, () => this.#look());
  }

  /** Stops looking. */
  stop(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    const { clock, log, backlog, replicas } = this.#options;
    const kept = backlog();
    const present = replicas();
    const warned = new Set<string>();
    if (kept !== undefined) {
      const rate = kept.rate(clock.nowMs());
      // Most replicas lack next to nothing, which shows without looking at what they lack of each shard.
      const nearlyAll = kept.watermarksLacking(FORGOTTEN_FROM);
      for (const replica of present) {
        const held = replica.acknowledged ?? replica.watermarks;
        // The entries of a snapshot are not from the backlog.
        if (replica.state === 'snapshot' || holdsNothing(replica) || hasReached(held, nearlyAll)) continue;
        const leeway = kept.leeway(held, rate);
        const wasWarned = this.#warned.has(replica.address);
        if (wasWarned ? isBackIn(leeway) : !isNearEnd(leeway)) continue;
        warned.add(replica.address);
        if (!wasWarned) log.warn(warning(replica, leeway));
      }
    }
    this.#warned = warned;
    this.#timer = undefined;
    if (present.length > 0) this.start();
  }
}

/** Returns whether a replica is warned of; `leeway` is undefined of one that has fallen out. */
function isNearEnd(leeway: Leeway | undefined): boolean {
  if (leeway === undefined) return true;
  const { lackingBytes, limitBytes, ms } = leeway;
  return ms !== undefined && lackingBytes > limitBytes * WARNED_FROM;
}

function isBackIn(leeway: Leeway | undefined): boolean {
  return leeway !== undefined && leeway.lackingBytes <= leeway.limitBytes * FORGOTTEN_FROM;
}

function warning(replica: ReplicaInfo, leeway: Leeway | undefined): string {
  const isGone = replica.state === 'gone';
  const where = isGone ? 'gone' : 'connected';
  const reasonText = reason(isGone, leeway);
  return `replica ${replicaText(replica)} is ${where} and ${reasonText}; a larger --backlog gives it longer`;
}

function reason(isGone: boolean, leeway: Leeway | undefined): string {
  if (leeway === undefined) {
    const when = isGone ? 'needs a snapshot when it comes back' : 'would need a snapshot if it were cut off';
    return `has fallen out of the backlog, and ${when}`;
  }
  const { lackingBytes, limitBytes, ms } = leeway;
  const lacks = `lacks ${lackingBytes} of the ${limitBytes} bytes that the backlog keeps`;
  return `${lacks}: at the present write rate it needs a snapshot in ${ms} ms`;
}
