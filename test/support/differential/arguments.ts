/**
 * Arguments for random commands: few keys, so that commands meet on them; numbers at the edges; times that no
 * test run lives to see. All from one seed.
 */
import { RandomSource } from '../random.js';

export type Argument = string | Buffer;
/** A command, its name first. */
export type Arguments = readonly Argument[];

export const ALL_KEYS: readonly Argument[] = [
  'a',
  'b',
  'counter',
  'float',
  'user:1',
  'user:2',
  'ключ',
  '',
  'k'.repeat(100),
  'blank and\r\nline',
  Buffer.from([0, 255, 10, 13, 0]),
];

const INTEGERS = [
  '0',
  '1',
  '-1',
  '2',
  '7',
  '10',
  '42',
  '255',
  '100000',
  '-7',
  '9223372036854775807',
  '-9223372036854775808',
  '9223372036854775808',
  '-9223372036854775809',
  '9223372036854775806',
  '4611686018427387904',
  '18446744073709551615',
  '18446744073709551616',
  '2147483647',
  '2147483648',
  '4294967296',
];

const NO_INTEGERS = ['01', '+1', '1.5', ' 1', '1 ', '', 'abc', '-', '--1', '-0', '1e3', '0x10', '1\0', 'nan'];

const FLOATS = [
  '0.1',
  '-0.1',
  '3.0',
  '1e3',
  '5.0e3',
  '1e-5',
  '0.30000000000000004',
  '1.7976931348623157e308',
  '1e17',
  '12345678.87654321',
  '-2.5',
  '.5',
  '5.',
  '100000000000000000000',
  '3.14159265358979323846',
];

const NO_FLOATS = ['abc', '', ' 1', '1 ', 'nan', 'inf', '-inf', '1.5.2', '1e', '--1', '1,5', 'infinity'];

const PATTERNS: readonly Argument[] = [
  '*',
  '?',
  'a*',
  '[a-c]',
  '[c-a]',
  '[^a]',
  '\\a',
  'user:*',
  'user:[12]',
  '[',
  '[a',
  '[^',
  'a\\',
  '**',
  '*er*',
  '',
  '?*?',
  'k*k',
  ...ALL_KEYS,
];

/** A key that lives a shorter time than this might expire while the test runs. */
const SAFE_SECONDS = 50_000;

export interface ArgumentOptions {
  /** Whether expiries count from now, besides those at a time. */
  hasRelativeExpiries: boolean;
  /** Times lie behind this one (Unix ms). */
  nowMs: number;
}

export class ArgumentSource {
  readonly random: RandomSource;
  readonly options: ArgumentOptions;

  constructor(seed: number, options: ArgumentOptions) {
    this.random = new RandomSource(seed);
    this.options = options;
  }

  key(): Argument {
    return this.random.pick(ALL_KEYS);
  }

  keys(most = 5): Argument[] {
    return this.several(() => [this.key()], most);
  }

  several(make: () => Argument[], most = 5): Argument[] {
    return Array.from({ length: this.random.between(1, most) }, make).flat();
  }

  /** Mostly an integer that fits. */
  integer(): string {
    const { random } = this;
    if (random.chance(0.4)) return String(random.between(-300, 300));
    return random.pick(random.chance(0.75) ? INTEGERS : NO_INTEGERS);
  }

  /** A position within a value, or around its ends. */
  offset(): string {
    return this.random.chance(0.85) ? String(this.random.between(-50, 600)) : this.integer();
  }

  float(): string {
    const { random } = this;
    if (random.chance(0.5)) return String(random.between(-100_000, 100_000) / random.pick([1, 2, 10, 1000]));
    return random.pick(random.chance(0.7) ? FLOATS : random.chance(0.5) ? NO_FLOATS : INTEGERS);
  }

  value(): Argument {
    const { random } = this;
    const kind = random.below(100);
    if (kind < 30) return this.integer();
    if (kind < 40) return this.float();
    if (kind < 65) return random.pick(['', 'value', 'ohmytext', 'mynewtext', 'foobar', '\xff', 'grüße']);
    return random.bytes(random.chance(0.001) ? 100 * 1024 : random.skewed(500));
  }

  pattern(): Argument {
    return this.random.pick(PATTERNS);
  }

  /**
   * Seconds or milliseconds from now, or, in the past, or no such number; never a moment that the test lives
   * to see.
   */
  fromNow(unitMs: 1 | 1000): string {
    const { random } = this;
    if (this.options.hasRelativeExpiries && random.chance(0.6)) return this.farFromNow(unitMs);
    return random.pick(['0', '-1', '-100000', '-9223372036854775808', '9223372036854775807', ...NO_INTEGERS]);
  }

  /** No two alike, so that no millisecond between the two sides' clocks decides which is later. */
  farFromNow(unitMs: 1 | 1000): string {
    return String(this.random.between(SAFE_SECONDS, 2_000_000_000) * (1000 / unitMs));
  }

  /** A time ahead as Unix seconds or milliseconds, one of a few, so that GT and LT find equal ones too. */
  farAt(unitMs: 1 | 1000): string {
    const farMs = this.options.nowMs + 1000 * SAFE_SECONDS + this.random.below(20) * 1_000_000_007;
    return String(Math.floor(farMs / unitMs));
  }

  /** A time as Unix seconds or milliseconds. */
  timeAt(unitMs: 1 | 1000): string {
    const { random } = this;
    if (random.chance(0.7)) return this.farAt(unitMs);
    return random.pick(['0', '1', '-1', '1000000', '9223372036854775807', ...NO_INTEGERS]);
  }

  /** As some client might write it. */
  cased(word: string): string {
    const { random } = this;
    if (random.chance(0.7)) return word;
    return random.chance(0.5)
      ? word.toLowerCase()
      : [...word].map((letter) => (random.chance(0.5) ? letter.toLowerCase() : letter)).join('');
  }

  /**
   * Options in any order, some twice, some with what belongs behind them missing; now and then one that is
   * none.
   */
  someOf(makers: readonly (() => Argument[])[], probability = 0.5): Argument[] {
    const { random } = this;
    const chosen: Argument[] = [];
    while (random.chance(probability)) {
      const [word, ...rest] = random.pick(makers)();
      chosen.push(this.cased(word as string), ...(random.chance(0.97) ? rest : []));
    }
    if (random.chance(0.02)) chosen.push(random.pick(['', 'foo', 'N', 'EXX', '0', '\xff']));
    return chosen;
  }

  oneOf(...words: string[]): string {
    return this.cased(this.random.pick(words));
  }
}
