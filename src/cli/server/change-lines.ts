/**
 * Changes of `replica follow --changes` as lines of NDJSON (docs/operations.md, "Taps"), many in one write;
 * with `--json` the follower's events are between them, in their order. A slow reader is waited for.
 */
import type { Timers } from '../../clock.js';
import type { Change, ChangeConsumer } from '../../replication/outputs/changes.js';
import { entryMembers, recordMembers } from '../rendering/json.js';
import { toJson } from '../terminal/json.js';
import type { Output } from '../terminal/output.js';
import { eventJson, type ServerEvent } from './event-rendering.js';

/** Characters of lines that gather before a write; fewer are written at the end of the turn. */
const GATHERED_CHARACTERS = 65_536;

/** Where the lines are written, and which ones. */
export interface ChangeLinesOptions {
  output: Pick<Output, 'offer' | 'event' | 'flush'>;
  timers: Timers;
  /** The start of the keys to show; undefined: all. Markers of snapshots are written in any case. */
  prefix: Buffer | undefined;
  /** Returns the line of a change, without its line end. */
  line(change: Change): string;
}

/** Writes changes as lines of NDJSON. */
export class ChangeLines implements ChangeConsumer {
  readonly #options: ChangeLinesOptions;
  #gathered = '';
  #isDue = false;
  /**
   * Resolves when the output has room again, for which the next change waits; undefined while it has room.
   */
  #full: Promise<void> | undefined;

  constructor(options: ChangeLinesOptions) {
    this.#options = options;
  }

  take(change: Change): Promise<void> | undefined {
    if (this.#isShown(change)) this.#gather(this.#options.line(change));
    if (this.#gathered.length >= GATHERED_CHARACTERS) this.#send();
    return this.#full;
  }

  /**
   * Writes an event behind the changes that came before it. An event that nobody reads is dropped, and
   * counted.
   */
  event(event: ServerEvent): void {
    try {
      this.#send();
    } catch {
      // The next change reports the fault.
      return;
    }
    this.#options.output.event(eventJson(event));
  }

  async flush(): Promise<void> {
    this.#send();
    await this.#options.output.flush();
  }

  #isShown(change: Change): boolean {
    const { prefix } = this.#options;
    if (prefix === undefined || !('key' in change)) return true;
    return change.key.length >= prefix.length && prefix.compare(change.key, 0, prefix.length) === 0;
  }

  #gather(line: string): void {
    this.#gathered += `${line}\n`;
    if (this.#isDue) return;
    this.#isDue = true;
    this.#options.timers.endOfTurn(() => {
      this.#isDue = false;
      try {
        this.#send();
      } catch {
        // The next change reports this fault too.
      }
    });
  }

  #send(): void {
    const gathered = this.#gathered;
    this.#gathered = '';
    const full = this.#options.output.offer(gathered);
    if (full === undefined) return;
    const waited = full.finally(() => {
      if (this.#full === waited) this.#full = undefined;
    });
    // A change that waits gets the fault; there may be none, and the rejection must not be unhandled.
    waited.catch(() => {});
    this.#full = waited;
  }
}

/** Returns the line of a change as NDJSON has it, without its line end. */
export function changeLine(change: Change): string {
  switch (change.type) {
    case 'record':
      return `{"type":"record",${recordMembers(change, 'text')}}`;
    case 'entry':
      return `{"type":"entry",${entryMembers(change, 'text')}}`;
    default:
      return toJson(change);
  }
}
