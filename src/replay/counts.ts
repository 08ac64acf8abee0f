/**
 * Counts the commands of a replay, and those that the server refused, in bounded memory whatever the server
 * answers.
 */
import type { CommandName } from './item-command.js';

/** Counts of a replay; with a state file, of all its runs. */
export interface ReplayCounts {
  /** Records that the filter chose; `entries` are those of snapshots. */
  records: number;
  entries: number;
  commands: Record<CommandName, number>;
  /** Keys deleted in the end because they have expired. */
  expired: number;
  /** Records whose sequence had been seen. */
  skipped: number;
  refused: number;
  /** Snapshots that began after something was sent: keys that they lack stay in the server. */
  replacements: number;
  lastReplacement: Place | null;
}

/** The place of a frame: its dump, and the offset of its first byte. */
export interface Place {
  file: string;
  offset: number;
}

/** Returns the counts at the beginning of a replay. */
export function noCounts(): ReplayCounts {
  return {
    records: 0,
    entries: 0,
    commands: { set: 0, del: 0, pexpireat: 0, persist: 0 },
    expired: 0,
    skipped: 0,
    refused: 0,
    replacements: 0,
    lastReplacement: null,
  };
}

/** Returns a copy that later counting does not change. */
export function copyOf(counts: ReplayCounts): ReplayCounts {
  return { ...counts, commands: { ...counts.commands } };
}

/** An error that the server has answered with, as often as it came. */
export interface Refusal {
  message: string;
  count: number;
  /** The dump of the first record or entry that was refused so; `offset` is its byte offset there. */
  file: string;
  offset: number;
}

const MAX_MESSAGES = 20;
const MAX_MESSAGE_LENGTH = 200;
const OTHERS = 'other errors';

/** The refusals of a replay by message: the first `MAX_MESSAGES`, and the others together. */
export class Refusals {
  readonly #byMessage = new Map<string, Refusal>();

  /** Counts one; `file` and `offset` are the place of the refused record or entry. */
  add(text: string, file: string, offset: number): void {
    const name = text.slice(0, MAX_MESSAGE_LENGTH);
    const message = this.#byMessage.has(name) || this.#byMessage.size < MAX_MESSAGES ? name : OTHERS;
    const refusal = this.#byMessage.get(message);
    if (refusal === undefined) this.#byMessage.set(message, { message, count: 1, file, offset });
    else refusal.count += 1;
  }

  /** Returns the refusals in the order in which they came first. */
  all(): Refusal[] {
    return [...this.#byMessage.values()];
  }
}
