/**
 * The progress of a follower for a person: its events as lines, and on a terminal a status line below them
 * that changes in place (connecting, snapshot, live).
 */
import type { Clock, Timer, Timers } from '../../clock.js';
import { Rate, StatusLine } from '../terminal/status-line.js';
import { formatNumber } from '../terminal/text.js';
import { eventText, type ServerEvent } from './event-rendering.js';

const REFRESH_MS = 500;

/** What is shown, and on which stream. */
export interface FollowViewOptions {
  /** The primary's address as it was given. */
  address: string;
  stream: NodeJS.WriteStream;
  clock: Clock;
  timers: Timers;
  /** Returns the number of records applied since the start. */
  appliedRecords(): number;
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
  #timer: Timer | undefined;

  constructor(options: FollowViewOptions) {
    this.#options = options;
    this.#line = new StatusLine(options.stream);
  }

  show(event: ServerEvent): void {
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

  #showSnapshot(event: ServerEvent & { entries?: number }): void {
    const { entries = 0 } = event;
    const rate = this.#rate.look(entries, this.#options.clock.monotonicUs());
    this.#line.show(`snapshot ${formatNumber(entries)} keys, ${rate}`);
  }

  #showLive(): void {
    const { clock, timers, appliedRecords } = this.#options;
    const applied = appliedRecords();
    const rate = this.#rate.look(applied, clock.monotonicUs());
    this.#line.show(`live, ${formatNumber(applied)} records applied, ${rate}`);
    this.#timer?.cancel();
    this.#timer = timers.after(REFRESH_MS, () => this.#showLive());
  }

  #stopLive(text: string): void {
    this.#timer?.cancel();
    this.#line.show(text);
  }
}
