/** Timeouts as arguments of commands. */
import { parseInt64 } from './arguments.js';
import { Failure } from './reply.js';

/** Milliseconds, from 0 to what 64 bits hold. */
export function parseTimeoutMs(bytes: Buffer): bigint | Failure {
  const timeoutMs = parseInt64(bytes);
  if (timeoutMs === undefined) return new Failure('ERR timeout is not an integer or out of range');
  return timeoutMs < 0n ? new Failure('ERR timeout is negative') : timeoutMs;
}
