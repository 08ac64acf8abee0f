/** The labels of replicas' series. */
import { describe, expect, it } from 'vitest';
import { goneCount, labelledReplicas } from '../../../src/status/metrics/replica-labels.js';
import type { ReplicaStatus, ServingReport } from '../../../src/status/report.js';

function replica(address: string, more: Partial<ReplicaStatus> = {}): ReplicaStatus {
  return {
    address,
    state: 'live',
    history: 'ab'.repeat(16),
    watermarks: [5n],
    acknowledged: [5n],
    sinceSeconds: 0,
    sentBytesPerSecond: 0,
    sinceAckSeconds: 0,
    queuedBytes: 0,
    lag: 'snapshot',
    offsetRecords: 5n,
    canResume: true,
    leewayMs: undefined,
    ...more,
  };
}

const labels = (connected: ReplicaStatus[], departed: ReplicaStatus[] = []) =>
  [...labelledReplicas({ connected, departed })].map(([label, { address }]) => [label, address]);

describe('a replica', () => {
  it('is labelled by its name, else by where its clients reach it, else by its host', () => {
    const connected = [
      replica('10.0.0.1:50000', { name: 'paris-1', announced: '10.0.0.1:6380' }),
      replica('10.0.0.1:50001', { announced: '10.0.0.1:6381' }),
      replica('[::1]:50002'),
    ];
    expect(labels(connected)).toEqual([
      ['paris-1', '10.0.0.1:50000'],
      ['10.0.0.1:6381', '10.0.0.1:50001'],
      ['::1', '[::1]:50002'],
    ]);
  });

  it('that shares its host with another is told apart by its id, or by when it came', () => {
    const connected = [
      replica('10.0.0.1:50001', { nodeId: '0123456789abcdef' }),
      replica('10.0.0.1:50002'),
      replica('10.0.0.1:50003', { announced: '10.0.0.1:6381' }),
    ];
    expect(labels(connected).map(([label]) => label)).toEqual([
      '10.0.0.1#0123456789abcdef',
      '10.0.0.1#2',
      '10.0.0.1:6381',
    ]);
  });

  it('that left keeps its label, unless another has come under it', () => {
    const gone = (address: string, announced: string) => replica(address, { state: 'gone', announced });
    const connected = [replica('10.0.0.1:50009', { announced: '10.0.0.1:6381' })];
    const departed = [
      gone('10.0.0.1:50001', '10.0.0.1:6381'),
      gone('10.0.0.2:50001', '10.0.0.2:6381'),
      gone('10.0.0.2:50002', '10.0.0.2:6381'),
    ];
    expect(labels(connected, departed)).toEqual([
      ['10.0.0.1:6381', '10.0.0.1:50009'],
      ['10.0.0.2:6381', '10.0.0.2:50002'],
    ]);
    expect(goneCount({ connected, departed } as unknown as ServingReport)).toBe(1);
  });

  it('has series as long as there are few', () => {
    const many = Array.from({ length: 100 }, (_, index) => replica(`10.0.0.${index}:1`));
    expect(labels(many)).toHaveLength(64);
  });
});
