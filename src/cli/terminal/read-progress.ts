/**
 * The progress of a long reading, as a line of the terminal that changes in place. Nothing is shown in the
 * first second, nor where stderr is no terminal.
 */
import { statSync } from 'node:fs';
import type { Clock } from '../../clock.js';
import { Rate, StatusLine } from './status-line.js';
import { formatNumber } from './text.js';

const FIRST_AFTER_US = 1_000_000;
const REFRESH_US = 200_000;
const MIB = 1_048_576;

/** A line that is not shown in the first second. */
class LateLine {
  readonly #clock: Clock;
  readonly #line: StatusLine | undefined;
  #nextUs: number;
  #isShown = false;

  constructor(stream: NodeJS.WriteStream, clock: Clock) {
    this.#clock = clock;
    this.#line = stream.isTTY ? new StatusLine(stream) : undefined;
    this.#nextUs = clock.monotonicUs() + FIRST_AFTER_US;
  }

  /** Shows what `text` returns when it is time to; `nowUs` is the monotonic time, in microseconds. */
  show(text: (nowUs: number) => string): void {
    if (this.#line === undefined) return;
    const nowUs = this.#clock.monotonicUs();
    if (nowUs < this.#nextUs) return;
    this.#nextUs = nowUs + REFRESH_US;
    this.#isShown = true;
    this.#line.show(text(nowUs));
  }

  /** Removes the line. */
  close(): void {
    if (this.#isShown) this.#line?.show('');
  }
}

/** Bytes that have been read, their share and their rate. */
export class ReadProgress {
  readonly #what: string;
  readonly #line: LateLine;
  readonly #rate = new Rate();
  /** Bytes of all files; undefined when they are not known, as for a pipe. */
  readonly #totalBytes: number | undefined;

  /** `what` is what is done with `files`: `reading` and the like. */
  constructor(stream: NodeJS.WriteStream, clock: Clock, what: string, ...files: string[]) {
    this.#what = what;
    this.#line = new LateLine(stream, clock);
    this.#totalBytes = sizeOf(files);
    this.#rate.look(0, clock.monotonicUs());
  }

  /** Shows that `bytes` of all files have been read; `totalBytes` is what these have, 0 if not known. */
  read(bytes: number, totalBytes = this.#totalBytes): void {
    this.#line.show((nowUs) => {
      const share = totalBytes ? `, ${Math.floor((bytes / totalBytes) * 100)} %` : '';
      const rate = this.#rate.look(bytes / MIB, nowUs).replace('/s', ' MiB/s');
      return `${this.#what} ${formatNumber(Math.floor(bytes / MIB))} MiB${share}, ${rate}`;
    });
  }

  close(): void {
    this.#line.close();
  }
}

/** Keys that have been reached, and their rate; how many there will be is not known. */
export class KeyProgress {
  readonly #what: string;
  readonly #line: LateLine;
  readonly #rate = new Rate();

  constructor(stream: NodeJS.WriteStream, clock: Clock, what: string) {
    this.#what = what;
    this.#line = new LateLine(stream, clock);
    this.#rate.look(0, clock.monotonicUs());
  }

  /** Shows that `keys` have been reached so far. */
  reached(keys: number): void {
    this.#line.show((nowUs) => {
      const rate = this.#rate.look(keys, nowUs).replace('/s', ' keys/s');
      return `${this.#what} ${formatNumber(keys)} keys, ${rate}`;
    });
  }

  close(): void {
    this.#line.close();
  }
}

/**
 * Bytes of all files; undefined where they cannot be known. Why a file cannot be read, its reader reports.
 */
function sizeOf(files: readonly string[]): number | undefined {
  if (files.includes('-')) return undefined;
  try {
    return files.reduce((sum, file) => sum + statSync(file).size, 0);
  } catch {
    return undefined;
  }
}
