/** The last lines of a node's log, for tools that look at the node from elsewhere (`fastcache top`). */
import { LOG_LINE_CHARACTERS, LOG_LINES_MAX, type LogLine } from '../status/server-entry.js';

/** The newest lines, cut to what a Status document has of them. */
export class RecentLog {
  readonly #lines: LogLine[] = [];

  /** Takes in a line; the oldest one makes room for it. */
  add({ timeMs, level, message }: LogLine): void {
    this.#lines.unshift({ timeMs, level, message: message.slice(0, LOG_LINE_CHARACTERS) });
    if (this.#lines.length > LOG_LINES_MAX) this.#lines.pop();
  }

  /** The lines, the newest first. */
  get lines(): readonly LogLine[] {
    return this.#lines;
  }
}
