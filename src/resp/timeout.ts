/** Timeouts that are arguments of commands. */
import { parseInt64 } from './arguments.js';
import { Failure } from './reply.js';

/** Reads a timeout: milliseconds, from 0 to the largest number of 64 bits. */
export function parseTimeoutMs(bytes: Buffer): bigint | Failure {
  const timeoutMs = parseInt64(bytes);
  if (timeoutMs === undefined) return new Failure('ERR timeout is not an integer or out of range');
  return timeoutMs < 0n ? new Failure('ERR timeout is negative') : timeoutMs;
}
