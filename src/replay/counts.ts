/** What a replay has done, and what the server refused of it, in bounded memory whatever the server says. */
import type { CommandName } from './item-command.js';

/** Counts of a replay; with a state, of all its runs. */
export interface ReplayCounts {
  /** Chosen of the dumps. */
  records: number;
  entries: number;
  commands: Record<CommandName, number>;
  /** Keys deleted in the end, for they have expired since. */
  expired: number;
  /** Records whose sequence had been seen. */
  skipped: number;
  refused: number;
  /** Snapshots that began after something was sent: what they lack stays at the server. */
  replacements: number;
  lastReplacement: Place | null;
}

/** Of a frame's first byte. */
export interface Place {
  file: string;
  offset: number;
}

/** Where a replay begins. */
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

/** A copy that later counting does not change. */
export function copyOf(counts: ReplayCounts): ReplayCounts {
  return { ...counts, commands: { ...counts.commands } };
}

/** An error that the server has answered with, as often as it came. */
export interface Refusal {
  message: string;
  count: number;
  /** Of the first. */
  file: string;
  offset: number;
}

const MAX_MESSAGES = 20;
const MAX_MESSAGE_LENGTH = 200;
const OTHERS = 'other errors';

/** The refusals of a replay by message: the first `MAX_MESSAGES`, and the others together. */
export class Refusals {
  readonly #byMessage = new Map<string, Refusal>();

  /** Counts one; `file` and `offset` say of which record or entry. */
  add(text: string, file: string, offset: number): void {
    const name = text.slice(0, MAX_MESSAGE_LENGTH);
    const message = this.#byMessage.has(name) || this.#byMessage.size < MAX_MESSAGES ? name : OTHERS;
    const refusal = this.#byMessage.get(message);
    if (refusal === undefined) this.#byMessage.set(message, { message, count: 1, file, offset });
    else refusal.count += 1;
  }

  /** In the order in which they came first. */
  all(): Refusal[] {
    return [...this.#byMessage.values()];
  }
}
