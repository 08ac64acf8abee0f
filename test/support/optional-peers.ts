/**
 * The suite compares with cargo's program and Redis, which need not be on every machine: without them the
 * tests that want them are skipped with a notice. With FASTCACHE_INTEROP=1, as in CI, their absence is a
 * failure instead.
 */
import { describe, it, type TestContext } from 'vitest';

export interface OptionalPeer {
  name: string;
  isThere: boolean;
  /** The way to get it, for the notice. */
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

/** For a test that finds only when it runs that what it compares with cannot be had. */
export function withoutIsSkipped(context: TestContext, name: string, error: Error): never {
  if (process.env.FASTCACHE_INTEROP === '1') throw error;
  process.stderr.write(`skipped, ${name} cannot be had: ${error.message}\n`);
  return context.skip(`${name} cannot be had`);
}
