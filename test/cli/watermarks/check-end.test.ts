/** The exit status of a check that has no answer, or none that anybody takes. */
import * as Errors from '@oclif/core/errors';
import { expect, it } from 'vitest';
import { OutputClosed } from '../../../src/cli/terminal/output.js';
import { checkEnd } from '../../../src/cli/watermarks/watermarks.js';
import { FastcacheError } from '../../../src/errors.js';

it('is that of the answer, and otherwise UNKNOWN, never OK', () => {
  expect(checkEnd(new Errors.ExitError(0))).toBe(0);
  expect(checkEnd(new Errors.ExitError(2))).toBe(2);
  expect(checkEnd(new OutputClosed())).toBe(3);
  expect(checkEnd(new FastcacheError('READ_FAILED', 'It is gone.'))).toBe(3);
  expect(checkEnd(new TypeError('a fault of this program'))).toBe(3);
});
