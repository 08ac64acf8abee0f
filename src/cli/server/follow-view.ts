/**
 * The progress of a follower for a person: its events as lines, and on a terminal a status line below them
 * that changes in place (connecting, snapshot, live).
 */
import type { Clock, Timer, Timers } from '../../clock.js';
import { Rate, StatusLine } from '../terminal/status-line.js';
import { countText, formatNumber, shortDuration } from '../terminal/text.js';
import { eventText, type ServerEvent } from './event-rendering.js';

const REFRESH_MS = 500;

/** The figures to show, and the stream. */
export interface FollowViewOptions {
  /** The primary's address as it was given. */
  address: string;
  stream: NodeJS.WriteStream;
  clock: Clock;
  timers: Timers;
  /** Returns the number of records applied since the start. */
  appliedRecords(): number;
  /** Returns how many keys are held. */
  keyCount(): number;
  /** Returns how far the replica is behind, in ms; undefined: it is not known. */
  lagMs(): number | undefined;
}

/** Shows a person how a replica follows. */
export interface FollowView {
  show(event: ServerEvent): void;
  close(): void;
}

/** The view for a stream: lines and a status line on a terminal, lines alone elsewhere. */
export function followView(options: FollowViewOptions): FollowView {
  return options.stream.isTTY ? new TerminalView(options) : new LineView(options);
}

class LineView implements FollowView {
  readonly #options: FollowViewOptions;
  #last = '';

  constructor(options: FollowViewOptions) {
    this.#options = options;
  }

  show(event: ServerEvent): void {
    // One line is enough for a snapshot's progress.
    if (event.event !== 'snapshot' || this.#last !== 'snapshot') {
      this.#options.stream.write(`${eventText(event)}\n`);
    }
    this.#last = event.event;
  }

  close(): void {}
}

class TerminalView implements FollowView {
  readonly #options: FollowViewOptions;
  readonly #line: StatusLine;
  readonly #rate = new Rate();
  /** When the snapshot began that is being received, monotonic microseconds; undefined: none is. */
  #snapshotFromUs: number | undefined;
  #timer: Timer | undefined;

  constructor(options: FollowViewOptions) {
    this.#options = options;
    this.#line = new StatusLine(options.stream);
  }

  show(event: ServerEvent): void {
    if (event.event !== 'snapshot' && event.event !== 'log') this.#snapshotFromUs = undefined;
    switch (event.event) {
      case 'connecting':
        this.#line.show(`connecting to ${this.#options.address}`);
        return;
      case 'snapshot':
        this.#showSnapshot(event);
        return;
      case 'live':
        this.#line.print(eventText(event));
        this.#showLive();
        return;
      default:
        this.#line.print(eventText(event));
        if (event.event === 'lost') this.#stopLive('waiting to connect again');
    }
  }

  close(): void {
    this.#stopLive('');
  }

  #showSnapshot(event: ServerEvent & { entries?: number; primaryKeys?: number }): void {
    const { entries = 0, primaryKeys } = event;
    const nowUs = this.#options.clock.monotonicUs();
    this.#snapshotFromUs ??= nowUs;
    const tookMs = (nowUs - this.#snapshotFromUs) / 1000;
    const rate = this.#rate.look(entries, nowUs);
    this.#line.show(`snapshot ${progressText(entries, primaryKeys, tookMs)}, ${rate}`);
  }

  #showLive(): void {
    const { clock, timers, appliedRecords, keyCount, lagMs } = this.#options;
    const rate = this.#rate.look(appliedRecords(), clock.monotonicUs());
    const lag = lagMs();
    const lagText = lag === undefined ? 'not known' : `${formatNumber(lag)} ms`;
    this.#line.show(`live, ${countText(keyCount(), 'key', 'keys')}, lag ${lagText}, ${rate} applied`);
    this.#timer?.cancel();
    this.#timer = timers.after(REFRESH_MS, () => this.#showLive());
  }

  #stopLive(text: string): void {
    this.#timer?.cancel();
    this.#line.show(text);
  }
}

/** The progress of a snapshot, of a primary with so many keys: `43 %, 512,000 of 1,190,000 keys, 9s left`. */
function progressText(entries: number, primaryKeys: number | undefined, tookMs: number): string {
  if (!primaryKeys) return `${formatNumber(entries)} keys`;
  // Keys that were written meanwhile may come too, or twice.
  const percent = Math.min(99, Math.floor((entries * 100) / primaryKeys));
  const keys = `${percent} %, ${formatNumber(entries)} of ${formatNumber(primaryKeys)} keys`;
  if (entries === 0 || entries >= primaryKeys) return keys;
  return `${keys}, ${shortDuration(Math.round((tookMs * (primaryKeys - entries)) / entries))} left`;
}
