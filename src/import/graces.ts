/**
 * Keys that have expired, or are about to, while a copy is behind its source: the source may have extended
 * them, so that they live on at the target until all that could extend them has come.
 */
import type { Clock } from '../clock.js';
import type { DecodedSnapshotEntry } from '../frame/snapshot.js';
import { itemCommand, settlingCommand } from '../replay/item-command.js';
import { LapsingKeys } from '../replay/lapsing-keys.js';
import { expiryChange } from './expiry-change.js';

/** Keys near their expiry that are noted. */
const BOUNDS = { keys: 1_000_000, keyBytes: 67_108_864 };
const PEXPIREAT = Buffer.from('PEXPIREAT');

/** The graces of one import. */
export class Graces {
  readonly #clock: Clock;
  readonly #lapsing = new LapsingKeys(BOUNDS);
  /** Whether keys near their expiry are given a grace. */
  isBehind = true;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The command that sets a key of an RDB file. */
  ofEntry(entry: DecodedSnapshotEntry): readonly Uint8Array[] {
    return itemCommand(entry, this.#lapsing.expiryOf(entry, this.#clock.nowMs())).args;
  }

  /** A command of the stream, with a later expiry where that is due. */
  ofCommand(args: readonly Uint8Array[]): readonly Uint8Array[] {
    if (!this.isBehind && this.#lapsing.size === 0) return args;
    const change = expiryChange(args);
    if (change === undefined) return args;
    return change.with(this.#lapsing.expiryOf(change.item, this.#clock.nowMs()));
  }

  /**
   * Has graces go where their keys go, and end where they end, for commands of several keys; returns what is
   * to be sent behind the command.
   */
  moved(name: string, [, ...args]: readonly Buffer[]): (readonly Uint8Array[])[] {
    if (this.#lapsing.size === 0) return [];
    if (name.startsWith('FLUSH')) this.clear();
    if (name.startsWith('MSET')) for (const key of args) this.#lapsing.forget(key);
    if (name === 'DEL' || name === 'UNLINK') for (const key of args) this.#lapsing.forget(key);
    const [from, to] = args;
    if (!/^(RENAME|RENAMENX|COPY)$/.test(name) || from === undefined || to === undefined) return [];
    const expireAtMs = this.#lapsing.forget(from);
    this.#lapsing.forget(to);
    if (expireAtMs === undefined) return [];
    const keys = name === 'COPY' ? [from, to] : [to];
    return keys.map((key) => this.ofCommand([PEXPIREAT, key, Buffer.from(`${expireAtMs}`)]));
  }

  /** Ends all graces; returns the commands that give each key its own expiry. */
  settled(): (readonly Uint8Array[])[] {
    const nowMs = this.#clock.nowMs();
    const commands = Array.from(this.#lapsing.all(), (key) => settlingCommand(key, nowMs).args);
    this.#lapsing.clear();
    return commands;
  }

  /** Forgets all graces, for their keys are gone or come anew. */
  clear(): void {
    this.#lapsing.clear();
  }
}
