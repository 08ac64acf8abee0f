/** Comparing a secret in a time that says nothing about it (docs/protocol.md, "Known holes"). */
import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * Whether a peer that presents this token is admitted where `expected` is asked for; undefined asks for none.
 */
export function tokenMatches(expected: string | undefined, presented: string | undefined): boolean {
  if (expected === undefined) return true;
  // Digests have one length, so that the time does not even depend on the token's length.
  const equal = timingSafeEqual(digest(expected), digest(presented ?? ''));
  return equal && presented !== undefined;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
