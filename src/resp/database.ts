/** Databases as SELECT and COPY name them; number 0 is the only one. */

import { parseInt64 } from './arguments.js';
import { NOT_AN_INTEGER } from './command.js';
import { Failure } from './reply.js';

const INT_MIN = -(2n ** 31n);
const INT_MAX = 2n ** 31n - 1n;

/** Why `text` names no database, in Redis' words; undefined when it does. */
export function databaseFault(text: Buffer): Failure | undefined {
  const index = parseInt64(text);
  if (index === undefined) return NOT_AN_INTEGER;
  if (index < INT_MIN || index > INT_MAX) {
    return new Failure(`ERR value is out of range, value must between ${INT_MIN} and ${INT_MAX}`);
  }
  return index === 0n ? undefined : new Failure('ERR DB index is out of range');
}
