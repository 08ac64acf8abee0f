/**
 * What the suite compares with, cargo's program and Redis, need not be on every machine: without them the tests that
 * want them are skipped with a notice. With FASTCACHE_INTEROP=1, as in CI, their absence is a failure instead.
 */
import { describe, it } from 'vitest';

export interface OptionalPeer {
  name: string;
  isThere: boolean;
  /** What to do to have it, for the notice. */
  remedy: string;
}

/** `describe` for tests that need `peer`. */
export function describeWith(peer: OptionalPeer, title: string, body: () => void): void {
  if (peer.isThere) {
    describe(title, body);
  } else if (process.env.FASTCACHE_INTEROP === '1') {
    it(title, () => {
      throw new Error(`${peer.name} is missing: ${peer.remedy}`);
    });
  } else {
    process.stderr.write(`skipped, ${peer.name} is missing: ${title} (${peer.remedy})\n`);
    describe.skip(title, body);
  }
}
