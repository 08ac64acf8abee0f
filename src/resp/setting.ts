/** One row of CONFIG: a setting that can be changed, or a fact. */
import { type Format, Refusal } from './setting-formats.js';

/** Redis' answer where a value cannot be changed. */
export const IMMUTABLE = "can't set immutable config";

/** The operations of CONFIG on a row. */
export interface Named {
  /** Redis' spelling of the value. */
  show(): string | Buffer;
  /** Returns the function that sets the value, or why it cannot be set; nothing has changed yet. */
  prepare(bytes: Buffer): (() => void) | Refusal;
  /** Returns the function that sets the value that is in force now. */
  undo(): () => void;
}

/** A value that can be set. */
export class Setting<Value> implements Named {
  #value: Value;
  /** The value as a number, kept because some are read before every run of commands; NaN if not a bigint. */
  #number: number;
  readonly #format: Format<Value>;

  constructor(format: Format<Value>, initial: Value) {
    this.#format = format;
    this.#value = initial;
    this.#number = numberOf(initial);
  }

  /** The value in force. */
  get value(): Value {
    return this.#value;
  }

  /** The value as a number; NaN where it is not a bigint. */
  get number(): number {
    return this.#number;
  }

  show(): string | Buffer {
    return this.#format.show(this.#value);
  }

  prepare(bytes: Buffer): (() => void) | Refusal {
    const value = this.#format.parse(bytes, this.#value);
    return value instanceof Refusal ? value : () => this.#set(value);
  }

  undo(): () => void {
    const value = this.#value;
    return () => this.#set(value);
  }

  #set(value: Value): void {
    this.#value = value;
    this.#number = numberOf(value);
  }
}

/** A value that stays as it is. Where Redis could change it, setting it to its present value is accepted. */
export class Fact implements Named {
  readonly isImmutableInRedis: boolean;
  readonly #value: () => string;

  constructor(value: string | (() => string), { isImmutableInRedis }: { isImmutableInRedis: boolean }) {
    this.#value = typeof value === 'string' ? () => value : value;
    this.isImmutableInRedis = isImmutableInRedis;
  }

  show(): string {
    return this.#value();
  }

  prepare(bytes: Buffer): (() => void) | Refusal {
    return bytes.toString('latin1').toLowerCase() === this.show() ? () => {} : new Refusal(IMMUTABLE);
  }

  undo(): () => void {
    return () => {};
  }
}

function numberOf(value: unknown): number {
  return typeof value === 'bigint' ? Number(value) : Number.NaN;
}
