/** When a server is ready, and why it is not. */
import { describe, expect, it } from 'vitest';
import { readiness } from '../../../src/status/metrics/readiness.js';
import type { ReplicaFigures } from '../../../src/status/role-figures.js';

const live: ReplicaFigures = {
  role: 'replica',
  history: 'ab'.repeat(16),
  offsetRecords: 5,
  hasContent: true,
  link: 'live',
  sinceHeardSeconds: 0,
  lagMs: 120,
};

describe('a replica', () => {
  it.each([
    ['without a limit', live, undefined, 'ready'],
    ['at the limit', live, 120, 'ready'],
    ['past the limit', live, 119, 'not ready: it lags by 120 ms, 119 ms are allowed'],
    ['of an unknown lag', { ...live, lagMs: undefined }, 1e9, 'not ready: how far it lags is not known yet'],
    ['of an unknown lag, without a limit', { ...live, lagMs: undefined }, undefined, 'ready'],
    [
      'that fetches new content',
      { ...live, link: 'snapshot' as const },
      undefined,
      'not ready: the link to the primary is not live (snapshot)',
    ],
    [
      'without content',
      { ...live, link: 'snapshot' as const, hasContent: false },
      undefined,
      'not ready: no content is whole yet (snapshot)',
    ],
  ])('%s', (_, figures, maxLagMs, reason) => {
    expect(readiness(figures, maxLagMs)).toEqual({ isReady: reason === 'ready', reason });
  });
});
