/** How a follower comes back after gaps: resume, then a snapshot, then not at all. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FastcacheError } from '../../../src/errors.js';
import { type Gap, GapPolicy, gapOf, rungs } from '../../../src/replication/replica/gap-policy.js';
import { MapStore } from '../../support/map-store.js';

const HERE: Gap = { shard: 1, expected: 10n };

/** A policy for which a snapshot was asked at `HERE`. */
function asked(): GapPolicy {
  const policy = new GapPolicy();
  policy.judge(HERE);
  policy.judge(HERE);
  expect(policy.rung).toBe('asked');
  return policy;
}

describe('a gap', () => {
  it('leads from each rung where the table says', () => {
    expect(rungs).toEqual({
      none: { elsewhere: 'met', again: 'impossible', unmended: 'impossible', replaced: 'none' },
      met: { elsewhere: 'met', again: 'asked', unmended: 'impossible', replaced: 'met' },
      asked: { elsewhere: 'impossible', again: 'impossible', unmended: 'stopped', replaced: 'rebuilt' },
      rebuilt: { elsewhere: 'met', again: 'asked', unmended: 'stopped', replaced: 'rebuilt' },
      stopped: {
        elsewhere: 'impossible',
        again: 'impossible',
        unmended: 'impossible',
        replaced: 'impossible',
      },
    });
  });

  it('is answered with a resume, the same one with a snapshot, and one in that with a stop', () => {
    const policy = new GapPolicy();
    expect([HERE, HERE, { shard: 0, expected: 3n }].map((gap) => policy.judge(gap))).toEqual([
      'resume',
      'claim-nothing',
      'stop',
    ]);
    expect(() => policy.judge(HERE)).toThrow('cannot follow stopped');
  });

  it('of another shard or another sequence is one of its own', () => {
    const policy = new GapPolicy();
    expect(policy.judge(HERE)).toBe('resume');
    expect(policy.judge({ shard: 0, expected: 10n })).toBe('resume');
    expect(policy.judge({ shard: 1, expected: 11n })).toBe('resume');
    expect(policy.judge(HERE)).toBe('resume');
  });

  it.each([
    [10n, 'stop'],
    [21n, 'stop'],
    [22n, 'resume'],
  ])('at %s behind a snapshot that stands at 20: %s', (expected, remedy) => {
    const policy = asked();
    policy.replaced([0n, 20n]);
    expect(policy.judge({ shard: 1, expected })).toBe(remedy);
  });

  it('that new content has gone past is forgotten: the next one is answered with a resume', () => {
    const policy = asked();
    policy.replaced([0n, 20n]);
    const next = { shard: 1, expected: 40n };
    expect([next, next].map((gap) => policy.judge(gap))).toEqual(['resume', 'claim-nothing']);
  });

  it('asks for a snapshot only at the very gap before it, and never twice without new content', () => {
    const gap = fc.record({
      shard: fc.integer({ min: 0, max: 1 }),
      expected: fc.bigInt({ min: 1n, max: 3n }),
    });
    const replaced = fc.array(fc.bigInt({ min: 0n, max: 4n }), { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(fc.array(fc.oneof(gap, gap, replaced), { maxLength: 40 }), (course) => {
        const policy = new GapPolicy();
        let last: Gap | undefined;
        let isAsked = false;
        let at: bigint[] | undefined;
        for (const step of course) {
          if (Array.isArray(step)) {
            policy.replaced(step);
            at = step;
            continue;
          }
          const remedy = policy.judge(step);
          const isPast = at !== undefined && step.expected > at[step.shard]! + 1n;
          const isSame = last?.shard === step.shard && last.expected === step.expected;
          expect(remedy).toBe(isAsked && !isPast ? 'stop' : isSame ? 'claim-nothing' : 'resume');
          if (remedy === 'stop') return;
          last = step;
          isAsked = remedy === 'claim-nothing';
          at = undefined;
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is of the shard that its error names, and of no other', () => {
    const store = new MapStore({ shards: 2, clock: { nowMs: () => 0, monotonicUs: () => 0 } });
    store.setWatermarks([4n, 9n]);
    const error = new FastcacheError('SEQUENCE_GAP', 'Shard 1 lacks the sequence 10.', { shard: 1 });
    expect(gapOf(error, store)).toEqual(HERE);
    expect(() => gapOf(new FastcacheError('SEQUENCE_GAP', 'Somewhere.'), store)).toThrow('names its shard');
  });
});
