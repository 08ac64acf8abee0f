/** How far a long reading is, as a line of a terminal that moves; nothing elsewhere, and nothing in the first second. */
import { statSync } from 'node:fs';
import type { Clock } from '../clock.js';
import { Rate, StatusLine } from './status-line.js';
import { formatNumber } from './text.js';

const FIRST_AFTER_US = 1_000_000;
const REFRESH_US = 200_000;
const MIB = 1_048_576;

export class ReadProgress {
  readonly #what: string;
  readonly #clock: Clock;
  readonly #line: StatusLine | undefined;
  readonly #rate = new Rate();
  /** Undefined: a pipe. */
  readonly #totalBytes: number | undefined;
  #nextUs: number;
  #isShown = false;

  /** `what` is done with `files`. */
  constructor(stream: NodeJS.WriteStream, clock: Clock, what: string, ...files: string[]) {
    this.#what = what;
    this.#clock = clock;
    this.#line = stream.isTTY ? new StatusLine(stream) : undefined;
    this.#totalBytes = sizeOf(files);
    const nowUs = clock.monotonicUs();
    this.#nextUs = nowUs + FIRST_AFTER_US;
    this.#rate.look(0, nowUs);
  }

  read(bytes: number): void {
    if (this.#line === undefined) return;
    const nowUs = this.#clock.monotonicUs();
    if (nowUs < this.#nextUs) return;
    this.#nextUs = nowUs + REFRESH_US;
    this.#isShown = true;
    const share = this.#totalBytes ? `, ${Math.floor((bytes / this.#totalBytes) * 100)} %` : '';
    const rate = this.#rate.look(bytes / MIB, nowUs);
    this.#line.show(
      `${this.#what} ${formatNumber(Math.floor(bytes / MIB))} MiB${share}, ${rate.replace('/s', ' MiB/s')}`,
    );
  }

  /** Takes the line away. */
  close(): void {
    if (this.#isShown) this.#line?.show('');
  }
}

function sizeOf(files: readonly string[]): number | undefined {
  if (files.includes('-')) return undefined;
  return files.reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
}
