import { describe, expect, it } from 'vitest';
import { type ErrorCode, errorCodes, FastcacheError } from '../src/errors.js';

describe('the table of codes', () => {
  it('knows no exit status but those of docs/command-line.md', () => {
    for (const [code, { exitCode }] of Object.entries(errorCodes)) {
      expect([1, 2, 65, 66, 69, 77], code).toContain(exitCode);
    }
  });

  it.each([
    ['NO_INPUT', 66],
    ['PRIMARY_UNREACHABLE', 69],
    ['TOKEN_REFUSED', 77],
    ['BAD_OPTION', 2],
    ['INSECURE_ADDRESS', 2],
    ['SEQUENCE_GAP', 65],
  ] satisfies [ErrorCode, number][])('%s ends with %i', (code, exitCode) => {
    expect(new FastcacheError(code, 'A sentence.').exitCode).toBe(exitCode);
  });

  it('says what a retry can help', () => {
    expect(new FastcacheError('PRIMARY_UNREACHABLE', 'A sentence.').retryable).toBe(true);
    expect(new FastcacheError('TOKEN_REFUSED', 'A sentence.').retryable).toBe(false);
  });
});

describe('an error', () => {
  it('carries what it is given, and nothing else', () => {
    const cause = new Error('below');
    const error = new FastcacheError('READ_FAILED', 'A sentence.', {
      file: 'a.fcrp',
      expected: 1n,
      found: 'x',
      cause,
    });
    expect(error).toMatchObject({ name: 'FastcacheError', message: 'A sentence.', code: 'READ_FAILED' });
    expect(error).toMatchObject({ file: 'a.fcrp', expected: 1n, found: 'x', cause, offset: undefined });
    expect('cause' in new FastcacheError('READ_FAILED', 'A sentence.')).toBe(false);
  });

  it('is placed by the layers it passes on its way up', () => {
    const error = new FastcacheError('FCRP_UNKNOWN_OP', 'A sentence.', { offset: 24 });
    expect(error.place).toBe('byte 24');
    expect(error.at(16).at(1000).inFile('a.fcrp').place).toBe('byte 1040 of a.fcrp');
    expect(error.placedAt(1000).place).toBe('byte 1000 of a.fcrp');
  });

  it('without an offset gets one, and without any place has none', () => {
    const error = new FastcacheError('FCRP_INVALID_UTF8', 'A sentence.');
    expect(error.place).toBeUndefined();
    expect(error.at(16).place).toBe('byte 16');
    expect(new FastcacheError('NO_INPUT', 'A sentence.').inFile('a.fcrp').place).toBe('a.fcrp');
  });
});
