/**
 * A follower's way as a person watches it: its events as lines, and on a terminal a status line below them
 * that moves (connecting, snapshot, live).
 */
import type { Clock, Timer, Timers } from '../../clock.js';
import { Rate, StatusLine } from '../terminal/status-line.js';
import { formatNumber } from '../terminal/text.js';
import { eventText, type ServerEvent } from './event-rendering.js';

const REFRESH_MS = 500;

/** What is shown, and where. */
export interface FollowViewOptions {
  /** The primary, as it was asked for. */
  address: string;
  stream: NodeJS.WriteStream;
  clock: Clock;
  timers: Timers;
  /** Records applied since the start. */
  appliedRecords(): number;
}

/** How a person sees a replica follow. */
export interface FollowView {
  show(event: ServerEvent): void;
  close(): void;
}

/** On a terminal lines and the status line, elsewhere lines alone. */
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
    // Of a snapshot's progress the first line is enough.
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
