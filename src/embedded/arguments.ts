/** The checks of programs' arguments: a wrong one is a TypeError that names it. */
import type { Bytes } from '../engine/bytes.js';
import { NO_EXPIRY } from '../frame/batch.js';

/** When a key expires: at a time, or some time from now. Neither: never. */
export interface Expiry {
  /** Unix milliseconds; a key whose time is past is deleted. */
  expireAtMs?: number | undefined;
  /** Milliseconds from now, more than 0. */
  ttlMs?: number | undefined;
}

/** Throws a TypeError unless `content` is text or bytes. */
export function checkBytes(name: string, content: unknown): asserts content is Bytes {
  if (typeof content === 'string' || content instanceof Uint8Array) return;
  throw new TypeError(`${name} must be a string or a Uint8Array; it is ${shown(content)}.`);
}

/** Returns the engine's expiry. Throws a TypeError for what is no time, and for two of them. */
export function expiryOf(expiry: Expiry, nowMs: number): bigint {
  if (typeof expiry !== 'object' || expiry === null) {
    throw new TypeError(`options must be an object with ttlMs or expireAtMs; it is ${shown(expiry)}.`);
  }
  const { expireAtMs, ttlMs } = expiry;
  if (ttlMs === undefined) return timeOf('expireAtMs', expireAtMs);
  if (expireAtMs !== undefined)
    throw new TypeError('ttlMs and expireAtMs both say when a key expires; give one.');
  if (!(typeof ttlMs === 'number' && ttlMs > 0)) {
    throw new TypeError(`ttlMs must be a number above 0; it is ${shown(ttlMs)}.`);
  }
  return timeOf('ttlMs', nowMs + ttlMs);
}

/** Returns the engine's expiry of a time, Unix ms; undefined is none. Throws a TypeError for what is none. */
export function timeOf(name: string, timeMs: unknown): bigint {
  if (timeMs === undefined) return NO_EXPIRY;
  if (typeof timeMs !== 'number' || !(Math.abs(timeMs) <= Number.MAX_SAFE_INTEGER)) {
    throw new TypeError(`${name} must be a number of milliseconds; it is ${shown(timeMs)}.`);
  }
  return BigInt(Math.max(0, Math.trunc(timeMs)));
}

/** Throws a TypeError unless `count` is a whole number from `least` on. */
export function checkCount(name: string, count: unknown, least: number): asserts count is number {
  if (typeof count === 'number' && Number.isSafeInteger(count) && count >= least) return;
  throw new TypeError(`${name} must be a whole number from ${least} on; it is ${shown(count)}.`);
}

/** Throws a TypeError unless `listener` can be called. */
export function checkListener(listener: unknown): void {
  if (typeof listener === 'function') return;
  throw new TypeError(`listener must be a function; it is ${shown(listener)}.`);
}

/** Shows what was given in a refusal: small things as they are, and of others what they are. */
export function shown(given: unknown): string {
  if (typeof given === 'string') return given.length <= 40 ? JSON.stringify(given) : 'a text';
  if (typeof given === 'function') return 'a function';
  if (typeof given === 'object' && given !== null) return Array.isArray(given) ? 'an array' : 'an object';
  return String(given);
}
