/** Comparing a secret in a time that says nothing about it (docs/protocol.md, "Known holes"). */
import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * Whether a peer that presents this token may come where `expected` is asked for; undefined asks for none.
 */
export function tokenMatches(expected: string | undefined, presented: string | undefined): boolean {
  if (expected === undefined) return true;
  // Digests are of one length, so that not even the token's length shows.
  const equal = timingSafeEqual(digest(expected), digest(presented ?? ''));
  return equal && presented !== undefined;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
