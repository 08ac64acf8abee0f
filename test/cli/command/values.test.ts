import { describe, expect, it } from 'vitest';
import {
  parseCount,
  parseHostPort,
  parseList,
  parseName,
  parseOutputFile,
  parseSequence,
  parseShards,
  parseSize,
  parseTime,
  UsageError,
} from '../../../src/cli/command/values.js';
import { formatSize } from '../../../src/server/ranges.js';

function usageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    expect((error as UsageError).oclif.exit).toBe(2);
    return (error as Error).message;
  }
  throw new Error('accepted');
}

describe('sizes', () => {
  it.each([
    ['0', 0],
    ['4096', 4096],
    ['4096b', 4096],
    ['64kb', 65_536],
    ['1MB', 1_048_576],
    ['2gb', 2_147_483_648],
  ])('reads %s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(['', 'kb', '1.5mb', '-1', '1 mb', '1tb', '1k', '0x10', '1e3', '99999999999gb'])(
    'refuses %j',
    (text) => {
      expect(usageOf(() => parseSize(text))).toContain('expected a size like 64kb, 1mb, 2gb or 4096 (bytes)');
    },
  );

  it('says which bounds there are', () => {
    expect(usageOf(() => parseSize('1kb', { min: 4096 }))).toContain('from 4kb; got');
    expect(usageOf(() => parseSize('1gb', { min: 1, max: 512 * 1024 ** 2 }))).toContain(
      'from 1 to 512mb; got',
    );
  });

  it.each([0, 1, 1000, 1024, 65_536, 1_048_576, 1_048_577, 2_147_483_648])(
    'spells %d so that it reads back',
    (bytes) => {
      expect(parseSize(formatSize(bytes))).toBe(bytes);
    },
  );
});

describe('counts and shards', () => {
  it('reads whole numbers within bounds', () => {
    expect(parseCount('512', { min: 1 })).toBe(512);
    expect(usageOf(() => parseCount('0', { min: 1, max: 22 }))).toBe(
      'expected a whole number from 1 to 22; got "0"',
    );
    for (const text of ['', '-1', '1.0', '0x1', '1e3', ' 1', '99999999999999999999'])
      usageOf(() => parseCount(text));
  });

  it('reads powers of two from 1 to 1024 as shards and nothing else', () => {
    const accepted = Array.from({ length: 1100 }, (_, index) => index).filter((count) => {
      try {
        return parseShards(`${count}`) === count;
      } catch {
        return false;
      }
    });
    expect(accepted).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]);
    expect(usageOf(() => parseShards('3'))).toContain('a power of two from 1 to 1024');
  });
});

describe('addresses', () => {
  it.each([
    ['127.0.0.1:7631', '127.0.0.1:7631'],
    ['[::1]:0', '[::1]:0'],
    [':7631', '127.0.0.1:7631'],
    ['db.internal:1', 'db.internal:1'],
  ])('reads %s', (text, expected) => {
    expect(parseHostPort(text)).toBe(expected);
  });

  it.each(['', 'host', 'host:', 'host:65536', 'host:-1', '::1:80', 'a b:1'])('refuses %j', (text) => {
    expect(usageOf(() => parseHostPort(text))).toContain('expected host:port, [v6]:port or :port');
  });
});

describe('files to write to', () => {
  it('have a name: stdout carries the events', () => {
    expect(parseOutputFile('dump.fcrp')).toBe('dump.fcrp');
    for (const text of ['-', ''])
      expect(usageOf(() => parseOutputFile(text))).toContain('the name of a file');
  });
});

describe('sequences', () => {
  it('reach over all of 64 bits', () => {
    expect(parseSequence('0')).toBe(0n);
    expect(parseSequence('18446744073709551615')).toBe(2n ** 64n - 1n);
  });

  it.each(['', '-1', '1.0', '18446744073709551616', '0x10', ' 1'])('are not %j', (text) => {
    expect(usageOf(() => parseSequence(text))).toContain('expected a sequence');
  });
});

describe('times', () => {
  it.each([
    ['0', 0],
    ['1760000000001', 1_760_000_000_001],
    ['2025-10-09T08:53:20.001Z', 1_760_000_000_001],
    ['2025-10-09t08:53:20.001z', 1_760_000_000_001],
    ['2025-10-09T10:53:20.001+02:00', 1_760_000_000_001],
    ['2025-10-09 08:53', Date.UTC(2025, 9, 9, 8, 53)],
    ['2025-10-09', Date.UTC(2025, 9, 9)],
    ['2024-02-29', Date.UTC(2024, 1, 29)],
  ])('reads %s', (text, timeMs) => {
    expect(parseTime(text)).toBe(BigInt(timeMs));
  });

  it.each([
    '',
    'yesterday',
    '2025-13-01',
    '2025-02-30',
    '2025-10-09T25:00',
    '2025-10',
    '-5',
    '1969-12-31',
    '1e3',
  ])('refuses %j', (text) => {
    expect(usageOf(() => parseTime(text))).toContain('expected Unix milliseconds or a time like');
  });

  it.each([
    ['1795846265', 'if it is in seconds, write 1795846265000,'],
    ['1795846265123456', 'if it is in microseconds, write 1795846265123,'],
    ['1795846265123456789', 'if it is in nanoseconds, write 1795846265123,'],
    ['20261128', 'write Unix milliseconds, or a time like'],
    ['99999999999999999999', 'write Unix milliseconds, or a time like'],
  ])('refuses %s, which no clock says in Unix ms, with a hint', (text, hint) => {
    expect(usageOf(() => parseTime(text))).toContain(hint);
  });
});

describe('names and lists', () => {
  it('take either case and spaces behind commas', () => {
    expect(parseList('ACK, hello', (text) => parseName(text, ['Hello', 'Ack']))).toEqual(['Ack', 'Hello']);
  });

  it('say what is accepted', () => {
    expect(usageOf(() => parseName('x', ['Hello', 'Ack']))).toBe('expected one of Hello, Ack; got "x"');
    expect(usageOf(() => parseList('Ack,', (text) => parseName(text, ['Ack'])))).toContain('got ""');
  });
});
