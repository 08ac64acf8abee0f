/** What of a damaged dump is not in the one that was made of it: counted whole, listed as far as is wanted, and told. */
import chalk from 'chalk';
import { escapeText } from '../../cli/terminal/escape.js';
import { countText, formatNumber } from '../../cli/terminal/text.js';
import { Listed } from './listed.js';
import type { Loss } from './salvager.js';

export class DumpLosses {
  readonly #listed: Listed<Loss>;
  #bytes = 0;
  /** Readable frames among it. */
  #frames = 0;

  /** `max`: losses that are listed. */
  constructor(max: number) {
    this.#listed = new Listed(max);
  }

  get count(): number {
    return this.#listed.count;
  }

  add(loss: Loss): void {
    this.#listed.add(loss);
    this.#bytes += loss.bytes;
    this.#frames += loss.frames;
  }

  json(): object {
    return {
      lossCount: this.count,
      lostBytes: this.#bytes,
      lostFrames: this.#frames,
      losses: this.#listed.items.map(({ fault: { code, message, offset }, ...loss }) => ({
        code,
        message,
        offset,
        ...loss,
      })),
    };
  }

  lines(): string[] {
    if (this.count === 0) return [chalk.green('nothing was lost')];
    const readable =
      this.#frames > 0 ? `, ${countText(this.#frames, 'readable frame', 'readable frames')} among them` : '';
    return [
      chalk.red(`lost: ${countText(this.#bytes, 'byte', 'bytes')}${readable}`),
      ...this.#listed.items.map((loss) => `  ${lossText(loss)}`),
      ...this.#listed.rest(),
    ];
  }
}

function lossText({ fault, start, end, bytes, isCutTail }: Loss): string {
  const why = isCutTail ? 'the dump merely ends inside its last frame' : escapeText(fault.message);
  return `bytes ${start} to ${end - 1} (${formatNumber(bytes)}): ${why} (${fault.code})`;
}
