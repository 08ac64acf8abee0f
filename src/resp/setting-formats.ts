/**
 * The formats of settings' values: the texts that CONFIG SET takes, its errors in Redis' words, and the texts
 * that CONFIG GET shows.
 */
import { isHost } from '../transport/address.js';
import { parseInt64 } from './arguments.js';

/** Why a value is not taken. */
export class Refusal {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** How the values of a setting are spelled. */
export interface Format<Value> {
  /** Reads a value. `present` is the value in force, for settings of which a part may be given. */
  parse(bytes: Buffer, present: Value): Value | Refusal;
  show(value: Value): string | Buffer;
}

const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

/** Units as in Redis: `k` is 1000, `kb` 1024. */
const UNITS: Record<string, bigint> = {
  '': 1n,
  b: 1n,
  k: 1000n,
  kb: 1024n,
  m: 1000n ** 2n,
  mb: 1024n ** 2n,
  g: 1000n ** 3n,
  gb: 1024n ** 3n,
};
const MEMORY_DIGITS_MAX = 127;

/** A whole number from `min` to `max`, both included. */
export function integerBetween(min: bigint, max: bigint): Format<bigint> {
  return {
    parse(bytes) {
      const value = parseInt64(bytes);
      if (value === undefined) return new Refusal("argument couldn't be parsed into an integer");
      return withinBounds(value, min, max);
    },
    show: String,
  };
}

/** A number of bytes, with or without a unit. */
export function memoryBetween(min: bigint, max: bigint): Format<bigint> {
  return {
    parse(bytes) {
      const value = parseMemory(bytes.toString('latin1'));
      return value === undefined
        ? new Refusal('argument must be a memory value')
        : withinBounds(value, min, max);
    },
    show: String,
  };
}

/** One word of several, in any case. */
export function oneOf<Word extends string>(words: readonly Word[]): Format<Word> {
  return {
    parse(bytes) {
      const sought = bytes.toString('latin1').toLowerCase();
      const found = words.find((word) => word === sought);
      return found ?? new Refusal(`argument(s) must be one of the following: ${words.join(', ')}`);
    },
    show: (value) => value,
  };
}

/** Redis' switch, `yes` or `no`. */
export const yesOrNo: Format<boolean> = {
  parse(bytes) {
    const word = bytes.toString('latin1').toLowerCase();
    return word === 'yes' || word === 'no' ? word === 'yes' : new Refusal("argument must be 'yes' or 'no'");
  },
  show: (value) => (value ? 'yes' : 'no'),
};

const PERCENTILE = /^\d{1,17}(\.\d{0,17})?$/;

/** Percentages between 0 and 100, parted by blanks; there may be none. */
export const percentiles: Format<readonly number[]> = {
  parse(bytes) {
    const text = bytes.toString('latin1');
    const words = text === '' ? [] : text.split(' ');
    if (!words.every((word) => PERCENTILE.test(word))) {
      return new Refusal('Invalid latency-tracking-info-percentiles parameters');
    }
    const numbers = words.map(Number);
    return numbers.every((number) => number <= 100)
      ? numbers
      : new Refusal('latency-tracking-info-percentiles parameters should sit between [0.0,100.0]');
  },
  show: (numbers) => numbers.map(percentileText).join(' '),
};

/** A percentage as Redis shows it: six decimals at most. */
export function percentileText(percent: number): string {
  return String(Number(percent.toFixed(6)));
}

/** Any bytes, `maxBytes` at most. */
export function bytesUpTo(maxBytes: number): Format<Buffer> {
  return {
    parse: (bytes) =>
      bytes.length > maxBytes
        ? new Refusal(`argument must have at most ${maxBytes} bytes`)
        : Buffer.from(bytes),
    show: (value) => value,
  };
}

/** The name of a file; empty for none. */
export const fileName: Format<string> = {
  parse: (bytes) =>
    bytes.includes(0) ? new Refusal('argument must be the name of a file') : bytes.toString(),
  show: (value) => value,
};

/** A text of a certain form; `expected` says so in words that follow "must be". */
export function matching(pattern: RegExp, expected: string): Format<string> {
  return {
    parse(bytes) {
      const text = bytes.toString('latin1');
      return pattern.test(text) ? text.toLowerCase() : new Refusal(`argument must be ${expected}`);
    },
    show: (value) => value,
  };
}

/** A name or an address of a machine, or nothing. */
export const hostName: Format<string> = {
  parse(bytes) {
    const text = bytes.toString('latin1');
    return text === '' || isHost(text)
      ? text
      : new Refusal('argument must be a name or an address, without a port');
  },
  show: (value) => value,
};

/**
 * When a client that does not read its replies is disconnected: at once above `hardBytes`, and above
 * `softBytes` after a while.
 */
export interface OutputLimit {
  readonly hardBytes: bigint;
  readonly softBytes: bigint;
  readonly softSeconds: number;
}

/**
 * Classes of clients. `slave` is for replicas, whose limit is not set here. Monitors have that of `pubsub`.
 */
export type OutputClass = 'normal' | 'slave' | 'pubsub';
/** The limit of each class. */
export type OutputLimits = Readonly<Record<OutputClass, OutputLimit>>;

/** The format `<class> <hard> <soft> <seconds>`, once or several times. */
export const outputLimits: Format<OutputLimits> = {
  parse(bytes, present) {
    const text = bytes.toString('latin1');
    const words = text === '' ? [] : text.split(' ');
    if (words.length % 4 !== 0) {
      return new Refusal('Wrong number of arguments in buffer limit configuration.');
    }
    const limits = { ...present };
    for (let at = 0; at < words.length; at += 4) {
      const kind = outputClass(words[at]!);
      if (kind === undefined) {
        return new Refusal('Invalid client class specified in buffer limit configuration.');
      }
      const limit = parseOutputLimit(words.slice(at + 1, at + 4));
      if (limit === undefined) {
        return new Refusal('Error in hard, soft or soft_seconds setting in buffer limit configuration.');
      }
      if (kind === 'slave' && showLimit(limit) !== showLimit(present.slave)) {
        return new Refusal("can't set immutable config");
      }
      limits[kind] = limit;
    }
    return limits;
  },
  show: (limits) =>
    (['normal', 'slave', 'pubsub'] as const).map((kind) => `${kind} ${showLimit(limits[kind])}`).join(' '),
};

function outputClass(word: string): OutputClass | undefined {
  const lower = word.toLowerCase();
  if (lower === 'replica') return 'slave';
  return lower === 'normal' || lower === 'slave' || lower === 'pubsub' ? lower : undefined;
}

function parseOutputLimit([hard, soft, seconds]: readonly string[]): OutputLimit | undefined {
  const hardBytes = parseMemory(hard!);
  const softBytes = parseMemory(soft!);
  // C reads an int like this: an empty text is 0, and a number that is too large wraps.
  const softSeconds = /^(\s*[+-]?\d+)?$/.test(seconds!) ? Number(BigInt.asIntN(32, toInt64(seconds!))) : -1;
  if (hardBytes === undefined || softBytes === undefined || softSeconds < 0) return undefined;
  return { hardBytes, softBytes, softSeconds };
}

function showLimit({ hardBytes, softBytes, softSeconds }: OutputLimit): string {
  return `${hardBytes} ${softBytes} ${softSeconds}`;
}

function toInt64(digits: string): bigint {
  const [, sign, number] = /^\s*([+-]?)(\d*)$/.exec(digits)!;
  const value = BigInt(number!.slice(0, 100) || '0');
  const capped = value > INT64_MAX ? INT64_MAX : value;
  return sign === '-' ? -capped : capped;
}

/** Reads a size as Redis does: digits may be missing, and a number beyond 64 bits wraps. */
function parseMemory(text: string): bigint | undefined {
  const [, digits, unit] = /^(\d*)([a-z]*)$/i.exec(text) ?? [];
  const factor = UNITS[unit?.toLowerCase() ?? 'none'];
  if (digits === undefined || factor === undefined || digits.length > MEMORY_DIGITS_MAX) return undefined;
  const value = BigInt(digits === '' ? '0' : digits);
  return BigInt.asUintN(64, (value > UINT64_MAX ? UINT64_MAX : value) * factor);
}

function withinBounds(value: bigint, min: bigint, max: bigint): bigint | Refusal {
  if (value >= min && value <= max) return value;
  return new Refusal(`argument must be between ${min} and ${max} inclusive`);
}
