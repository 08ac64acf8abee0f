/**
 * Shows how far a replay is, as a line of the terminal that changes in place; nothing where stderr is no
 * terminal.
 */
import { statSync } from 'node:fs';
import type { Clock } from '../../clock.js';
import type { ReplayProgress } from '../../replay/walk.js';
import { Rate, StatusLine } from '../terminal/status-line.js';
import { formatDuration, formatNumber } from '../terminal/text.js';

const REFRESH_US = 200_000;
const BAR_WIDTH = 24;

/**
 * The progress line; it shows the share that is done, the time that is left, and the commands that were
 * answered.
 */
export class ReplayProgressLine {
  readonly #clock: Clock;
  readonly #line: StatusLine | undefined;
  readonly #rate = new Rate();
  /** Bytes of each dump; empty when one of them is stdin. */
  readonly #sizes: readonly number[];
  readonly #startUs: number;
  #startBytes: number | undefined;
  #nextUs: number;

  constructor(stream: NodeJS.WriteStream, clock: Clock, files: readonly string[]) {
    this.#clock = clock;
    this.#line = stream.isTTY ? new StatusLine(stream) : undefined;
    this.#sizes = files.includes('-')
      ? []
      : files.map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0);
    this.#startUs = clock.monotonicUs();
    this.#nextUs = this.#startUs + REFRESH_US;
    this.#rate.look(0, this.#startUs);
  }

  show({ answered, refused, fileIndex, offset }: ReplayProgress): void {
    if (this.#line === undefined) return;
    const nowUs = this.#clock.monotonicUs();
    if (nowUs < this.#nextUs) return;
    this.#nextUs = nowUs + REFRESH_US;
    const parts = [`${formatNumber(answered)} commands`, this.#rate.look(answered, nowUs)];
    if (refused > 0) parts.push(`${formatNumber(refused)} refused`);
    this.#line.show([...this.#barAndEta(fileIndex, offset, nowUs), ...parts].join('  '));
  }

  /** Removes the line. */
  close(): void {
    this.#line?.show('');
  }

  #barAndEta(fileIndex: number, offset: number, nowUs: number): string[] {
    const total = this.#sizes.reduce((sum, size) => sum + size, 0);
    if (total === 0) return ['replaying'];
    const bytes = this.#sizes.slice(0, fileIndex).reduce((sum, size) => sum + size, offset);
    this.#startBytes ??= bytes;
    const share = Math.min(1, bytes / total);
    const bar = '#'.repeat(Math.floor(share * BAR_WIDTH)).padEnd(BAR_WIDTH, '.');
    const readBytes = bytes - this.#startBytes;
    const leftUs = readBytes > 0 ? ((nowUs - this.#startUs) * Math.max(0, total - bytes)) / readBytes : 0;
    const eta = readBytes > 0 ? [`ETA ${formatDuration(BigInt(Math.ceil(leftUs / 1_000_000)) * 1000n)}`] : [];
    return [`[${bar}] ${Math.floor(share * 100)} %`, ...eta];
  }
}
