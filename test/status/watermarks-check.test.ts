/** The findings of `watermarks --check`, each with its state of Nagios. */
import { describe, expect, it } from 'vitest';
import { FastcacheError } from '../../src/errors.js';
import type { ReplicaEntry } from '../../src/status/replica-entry.js';
import type { LinkEntry } from '../../src/status/status-document.js';
import type { EndpointAnswer } from '../../src/status/watermarks.js';
import { type CheckRules, checkEndpoints, checkStatus } from '../../src/status/watermarks-check.js';
import { answered, BASE, lagging, replicaReport } from '../support/status-documents.js';

const LIMITS = { maxLagMs: 1_000, maxLagRecords: 40 };
const NO_LIMITS = { maxLagMs: undefined, maxLagRecords: undefined };
const ANYBODY = { expected: undefined, ignoresGone: false };

const stateOf = (answers: EndpointAnswer[], rules: Partial<CheckRules> = LIMITS) => {
  const { state, findings } = checkEndpoints(answers, { ...NO_LIMITS, ...ANYBODY, ...rules });
  return [state, ...findings.map(({ text }) => text)];
};
const ofReplicas = (...replicas: ReplicaEntry[]) => stateOf([answered({ replicas })]);

it('a replica that has said that it cannot hold what the primary has is critical at the primary', () => {
  const fullReplicas = [{ address: '127.0.0.1:9', heldBytes: 3_900, mostBytes: 4_000 }];
  expect(stateOf([answered({ replicas: [replicaReport()], fullReplicas })])).toEqual([
    'CRITICAL',
    expect.stringContaining(
      'replica 127.0.0.1:9 cannot hold what this one has: 3900 of the 4000 bytes that it has at most are taken',
    ),
  ]);
});

describe('a check', () => {
  it('is OK when all replicas are live and within the limits', () => {
    expect(ofReplicas(replicaReport({ comings: 4 }), lagging(20, 500, { comings: null }))).toEqual([
      'OK',
      'replicas live: 2, at most 20 records and 500 ms behind',
    ]);
  });

  it.each<[string, string, ReplicaEntry]>([
    ['WARNING', 'lags 501 ms, 1000 are allowed', lagging(1, 501)],
    ['CRITICAL', 'lags 1001 ms, 1000 are allowed', lagging(1, 1_001)],
    ['WARNING', 'lags 21 records, 40 are allowed', lagging(21, 0)],
    ['CRITICAL', 'lags 41 records, 40 are allowed', lagging(41, 0)],
    ['CRITICAL', 'lags 41 records, 40 are allowed', lagging(41, null, { canResume: false })],
    [
      'CRITICAL',
      'lacks 2 records and lags for longer than is known, 1000 ms are allowed',
      lagging(2, null, { canResume: false, leewayMs: null }),
    ],
    [
      'WARNING',
      'lacks more than the backlog has: cut off it would need a snapshot',
      lagging(2, 3, { canResume: false, leewayMs: null }),
    ],
    ['WARNING', 'is catching up', replicaReport({ state: 'catching-up' })],
    [
      'CRITICAL',
      'has come 5 times within a minute: it is in a loop of reconnecting; the logs of both sides say why',
      replicaReport({ state: 'snapshot', comings: 5 }),
    ],
    [
      'WARNING',
      'is taking a snapshot in',
      replicaReport({
        state: 'snapshot',
        lagRecords: null,
        lagMs: null,
        shardLagRecords: [],
        shardLagMs: [],
      }),
    ],
    [
      'WARNING',
      'is gone, last heard of 90 s ago; the backlog still has what it lacks',
      lagging(9_999, 9_999, { state: 'gone', sinceAckSeconds: 90 }),
    ],
    [
      'CRITICAL',
      'is gone, last heard of 90 s ago; it needs a snapshot when it comes back',
      lagging(1, null, { state: 'gone', sinceAckSeconds: 90, canResume: false }),
    ],
    [
      'CRITICAL',
      'holds more than the primary has: it diverges',
      replicaReport({ watermarks: [BASE + 101n, BASE] }),
    ],
  ])('is %s when a replica %s', (state, text, replica) => {
    expect(ofReplicas(replicaReport(), replica)).toEqual([
      state,
      `127.0.0.1:7631: replica 10.0.0.7:4242 ${text}`,
    ]);
  });

  it('does not know the worst lag where one is not known, nor of nobody, nor of a server that is silent', () => {
    const silent = { endpoint: 'a:1', fault: new FastcacheError('PRIMARY_UNREACHABLE', 'So it is.') };
    const known = answered({ replicas: [lagging(2, 3)] });
    const worst = (...answers: EndpointAnswer[]) => {
      const { worstLagMs, worstLagRecords } = checkEndpoints(answers, { ...NO_LIMITS, ...ANYBODY });
      return [worstLagMs, worstLagRecords];
    };
    expect(worst(known, answered())).toEqual([3, 2]);
    expect(worst(answered({ replicas: [lagging(2, 3), lagging(9, null)] }))).toEqual([null, 9]);
    expect(worst(known, silent)).toEqual([null, null]);
    expect(worst(answered({ replicas: [] }))).toEqual([null, null]);
  });

  it('without limits allows any lag of a live replica', () => {
    expect(stateOf([answered({ replicas: [lagging(90, 90_000)] })], NO_LIMITS)[0]).toBe('OK');
  });

  it('warns of a primary that no replica is connected to, but not of a relay', () => {
    expect(ofReplicas()).toEqual(['WARNING', '127.0.0.1:7631: no replica is connected']);
    const gone = lagging(1, 1, { state: 'gone' });
    expect(ofReplicas(gone)).toContain('127.0.0.1:7631: no replica is connected');
    const link: LinkEntry = { primary: 'p:1', state: 'live', sinceHeardMs: 0, lagMs: 3 };
    expect(stateOf([answered({ role: 'replica', link, replicas: [] })])[0]).toBe('OK');
  });

  it('looks at a relay’s link as well', () => {
    const link: LinkEntry = { primary: 'p:1', state: 'live', sinceHeardMs: 0, lagMs: 1_001 };
    const relay = (overrides: Partial<LinkEntry>) =>
      stateOf([answered({ role: 'replica', link: { ...link, ...overrides }, replicas: [] })]);
    expect(relay({})).toEqual(['CRITICAL', '127.0.0.1:7631: lags 1001 ms, 1000 are allowed']);
    expect(relay({ state: 'connecting' })).toEqual([
      'CRITICAL',
      '127.0.0.1:7631: its link to p:1 is not live (connecting)',
    ]);
  });

  it.each([
    ['CRITICAL', 'PRIMARY_UNREACHABLE'],
    ['CRITICAL', 'PEER_SILENT'],
    ['CRITICAL', 'CONNECTION_LOST'],
    ['UNKNOWN', 'TOKEN_REFUSED'],
    ['UNKNOWN', 'FCRP_STATUS_MALFORMED'],
    ['UNKNOWN', 'FCRP_BAD_MAGIC'],
  ] as const)('is %s for %s', (state, code) => {
    const fault = new FastcacheError(code, 'So it is.');
    expect(stateOf([{ endpoint: 'a:1', fault }])).toEqual([state, 'a:1: So it is.']);
  });

  it('does not know of a Rust primary’s replicas, nor of those that were left out', () => {
    const rust = { ...answered(), history: null, base: null, status: undefined };
    expect(stateOf([rust])).toEqual([
      'UNKNOWN',
      '127.0.0.1:7631: a Rust primary does not tell of its replicas',
    ]);
    expect(stateOf([answered({ unlistedReplicas: 3 })])[0]).toBe('UNKNOWN');
  });

  it('has the worst of all that is found, known faults before what is not known, the worst first', () => {
    const rust = { ...answered(), status: undefined };
    const warned = answered({ replicas: [lagging(1, 501)] });
    const critical = answered({ replicas: [lagging(1, 501), lagging(1, 1_001, { address: 'b:1' })] });
    expect(stateOf([answered(), rust])[0]).toBe('UNKNOWN');
    expect(stateOf([rust, warned])[0]).toBe('WARNING');
    const all = stateOf([rust, warned, critical, answered()]);
    expect(all[0]).toBe('CRITICAL');
    expect(all[1]).toContain('b:1');
    expect(all).toHaveLength(5);
  });

  it('exits with 0, 1, 2 or 3', () => {
    expect((['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const).map(checkStatus)).toEqual([0, 1, 2, 3]);
  });
});

describe('who is expected', () => {
  const named = replicaReport({ name: 'cache-1' });
  const announced = replicaReport({ announced: '10.0.0.8:6381', address: '10.0.0.8:1' });
  const gone = replicaReport({ name: 'cache-2', state: 'gone' });
  const elsewhere = { ...answered({ replicas: [announced] }), endpoint: '10.0.0.2:7631' };

  it('is a number of replicas over all endpoints, which replaces the one that each primary needs', () => {
    const nobody = answered({ replicas: [] });
    expect(stateOf([answered({ replicas: [named] }), elsewhere], { expected: 2 })[0]).toBe('OK');
    expect(stateOf([nobody, elsewhere], { expected: 1 })[0]).toBe('OK');
    expect(stateOf([nobody], { expected: 0 })[0]).toBe('OK');
    expect(stateOf([nobody])[0]).toBe('WARNING');
    expect(stateOf([nobody, elsewhere], { expected: 2 })).toEqual([
      'CRITICAL',
      'replicas connected: 1, expected: 2',
    ]);
  });

  it('is named by its name or by an address, and is not there when it is gone', () => {
    const answers = [answered({ replicas: [named, gone] }), elsewhere];
    const expected = ['cache-1', '10.0.0.8:6381'];
    expect(stateOf(answers, { expected, ignoresGone: true })[0]).toBe('OK');
    expect(stateOf(answers, { expected })[0]).toBe('WARNING');
    expect(stateOf(answers, { expected: ['cache-2', 'cache-3'], ignoresGone: true })).toEqual([
      'CRITICAL',
      'replica cache-2 is expected and is not connected',
      'replica cache-3 is expected and is not connected',
    ]);
  });
});
