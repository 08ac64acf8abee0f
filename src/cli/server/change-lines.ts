/**
 * `replica follow --changes`: each change as a line of NDJSON (docs/operations.md, "Taps"), many in one
 * write; with `--json` the events of the follower stand between them, in their order. A reader that is slow
 * is waited for.
 */
import type { Timers } from '../../clock.js';
import type { Change, ChangeConsumer } from '../../replication/outputs/changes.js';
import { entryMembers, recordMembers } from '../rendering/json.js';
import { toJson } from '../terminal/json.js';
import type { Output } from '../terminal/output.js';
import { eventJson, type ServerEvent } from './event-rendering.js';

/** Lines gather up to this much, or to the end of the turn. */
const GATHERED_CHARACTERS = 65_536;

/** Where the lines go, and which. */
export interface ChangeLinesOptions {
  output: Pick<Output, 'offer' | 'event' | 'flush'>;
  timers: Timers;
  /** Only keys that start so; markers of snapshots come in any case. */
  prefix: Buffer | undefined;
}

/** Writes changes as lines of NDJSON. */
export class ChangeLines implements ChangeConsumer {
  readonly #options: ChangeLinesOptions;
  #gathered = '';
  #isDue = false;
  /** The output had no room at the end of a turn; the next change waits. */
  #full: Promise<void> | undefined;

  constructor(options: ChangeLinesOptions) {
    this.#options = options;
  }

  take(change: Change): Promise<void> | undefined {
    if (this.#isShown(change)) this.#gather(changeLine(change));
    if (this.#gathered.length >= GATHERED_CHARACTERS) this.#send();
    return this.#full;
  }

  /** An event behind the changes that were taken before. What nobody reads is dropped, and counted. */
  event(event: ServerEvent): void {
    try {
      this.#send();
    } catch {
      // The next change is told.
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
        // As above.
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
    // Who waits is told of a fault; nobody may.
    waited.catch(() => {});
    this.#full = waited;
  }
}

/** Without its end. */
function changeLine(change: Change): string {
  switch (change.type) {
    case 'record':
      return `{"type":"record",${recordMembers(change, 'text')}}`;
    case 'entry':
      return `{"type":"entry",${entryMembers(change, 'text')}}`;
    default:
      return toJson(change);
  }
}
