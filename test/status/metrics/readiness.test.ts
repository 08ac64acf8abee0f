/** When a server is ready, and why it is not. */
import { describe, expect, it } from 'vitest';
import { readiness } from '../../../src/status/metrics/readiness.js';
import type { LinkReport } from '../../../src/status/report.js';

const live: LinkReport = {
  primary: { host: '10.0.0.1', port: 7631 },
  state: 'live',
  refusal: undefined,
  hasContent: true,
  sinceHeardSeconds: 0,
  sinceLostSeconds: 0,
  lagMs: 120,
  syncReadBytes: undefined,
  priority: 100,
  isAnnounced: true,
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
      { ...live, state: 'snapshot' as const },
      undefined,
      'not ready: the link to the primary is not live (snapshot)',
    ],
    [
      'without content',
      { ...live, state: 'snapshot' as const, hasContent: false },
      undefined,
      'not ready: no content is whole yet (snapshot)',
    ],
    [
      'that has no room for what its primary has',
      { ...live, state: 'disconnected' as const, hasContent: false, refusal: 'out-of-memory' as const },
      undefined,
      'not ready: the primary has more than this replica can hold',
    ],
  ])('%s', (_, link, maxLagMs, reason) => {
    const report = {
      role: 'replica' as const,
      history: undefined,
      offsetRecords: 5n,
      serving: undefined,
      link,
      lacksData: false,
      goodReplicas: undefined,
      failover: { state: 'no-failover' as const, lastFault: undefined },
    };
    expect(readiness(report, maxLagMs)).toEqual({ isReady: reason === 'ready', reason });
  });
});
