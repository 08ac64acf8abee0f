/** EX, PX, EXAT, PXAT: times at which keys expire, as options of commands. */
import { parseInt64 } from './arguments.js';
import { NOT_AN_INTEGER } from './command.js';
import type { CommandHost } from './command-host.js';
import { Failure } from './reply.js';

/** The unit and the origin of a time that EX or one of its relatives gives. */
export interface ExpiryUnit {
  readonly ms: bigint;
  readonly isFromNow: boolean;
}

/** The unit of EX and SETEX. */
export const SECONDS: ExpiryUnit = { ms: 1000n, isFromNow: true };
/** The unit of PX and PSETEX. */
export const MILLISECONDS: ExpiryUnit = { ms: 1n, isFromNow: true };

/** The units by their words in lower case. */
export const EXPIRY_UNITS: ReadonlyMap<string, ExpiryUnit> = new Map([
  ['ex', SECONDS],
  ['px', MILLISECONDS],
  ['exat', { ms: 1000n, isFromNow: false }],
  ['pxat', { ms: 1n, isFromNow: false }],
]);

const INT64_MAX = 2n ** 63n - 1n;

/** The expiry in Unix ms, 1 at least, that `text` gives; `command` is named in the error. */
export function readExpiry(
  text: Buffer,
  unit: ExpiryUnit,
  command: string,
  host: CommandHost,
): bigint | Failure {
  const time = parseInt64(text);
  if (time === undefined) return NOT_AN_INTEGER;
  const expireAtMs = time * unit.ms + (unit.isFromNow ? BigInt(host.clock.nowMs()) : 0n);
  if (time > 0n && expireAtMs <= INT64_MAX) return expireAtMs;
  return invalidExpireTime(command);
}

/** Redis' answer to a time that is not valid. */
export function invalidExpireTime(command: string): Failure {
  return new Failure(`ERR invalid expire time in '${command}' command`);
}
