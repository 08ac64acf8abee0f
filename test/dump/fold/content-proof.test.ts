/** Which digests of a dump are compared with what it leads to, and what is said of those that differ. */
import { describe, expect, it } from 'vitest';
import { ContentProof } from '../../../src/dump/fold/content-proof.js';
import { KeySpaceFold } from '../../../src/dump/fold/key-space-fold.js';
import { ToolStores } from '../../../src/dump/fold/tool-stores.js';
import type { FastcacheError } from '../../../src/errors.js';
import { FrameSplitter } from '../../../src/frame/splitter.js';
import { digestsFrame } from '../../../src/replication/link/digest-frames.js';
import { batch, FIRST, hello, ofFirst, SECOND, set, snapshot } from '../../support/data-fixture.js';
import { newEngine } from '../../support/engines.js';

const named = { ...ofFirst, digests: 'full-key' };
const ofRust = { ...named, origin: 'rust' };
/** A history that a promotion begins behind sequence 2, above which it numbers from 101. */
const promoted = {
  history: SECOND,
  base: '100',
  prev: `${FIRST}@2`,
  prevbase: '0',
  continues: 'here',
  digests: 'full-key',
};

/** Returns the digest of a shard that has these keys, at a sequence. */
function digestsOf(
  sequence: number,
  content: Record<string, string>,
  says: 'state' | 'proof' | 'asks' = 'state',
) {
  const engine = newEngine({ shards: 1 });
  for (const [key, value] of Object.entries(content)) engine.set(key, value);
  return digestsFrame(says, [{ shard: 0, sequence: BigInt(sequence), ...engine.digests.of(0) }]);
}

function fold(...frames: Buffer[]): { compared: number; faults: FastcacheError[] } {
  const faults: FastcacheError[] = [];
  const proof = new ContentProof((fault) => faults.push(fault));
  const stores = new ToolStores();
  const into = new KeySpaceFold({ createStore: (shards) => stores.create(shards, proof.routing), proof });
  const splitter = new FrameSplitter();
  splitter.push(Buffer.concat(frames), (frame) => into.take(frame, 'dump'));
  into.finish();
  return { compared: proof.compared, faults };
}

const [one, two] = [batch(set(1, 'a', '1', 1)), batch(set(2, 'b', '2', 2))];
const begun = hello(0, named);

describe('digests of a dump', () => {
  it('are compared at their place, and those of another sequence are not', () => {
    expect(fold(begun, one, digestsOf(1, { a: '1' }), two)).toEqual({ compared: 1, faults: [] });
    expect(fold(begun, one, digestsOf(2, { a: '1' }), two)).toEqual({ compared: 0, faults: [] });
    expect(fold(begun, digestsOf(1, {}), one, two)).toEqual({ compared: 0, faults: [] });
  });

  it('that differ name shard, sequence, place, and where all was right before, once for a shard', () => {
    const wrong = digestsOf(2, { a: '1', b: '3' });
    const before = Buffer.concat([begun, one]).length;
    const { compared, faults } = fold(begun, one, digestsOf(1, { a: '1' }), two, wrong, wrong);
    expect([compared, faults.length]).toEqual([3, 1]);
    const offset = before + digestsOf(1, {}).length + two.length;
    expect(faults[0]).toMatchObject({ code: 'CONTENT_DIVERGES', file: 'dump', offset });
    expect(faults[0]!.message).toContain('of shard 0 at sequence 2');
    expect(faults[0]!.message).toContain(`It was as written at byte ${before} of dump`);
  });

  it('prove a snapshot behind its end, and say nothing within one', () => {
    const [begin, chunk, end] = snapshot(5, { a: '1' }) as [Buffer, Buffer, Buffer];
    const wrong = digestsOf(5, { a: '2' }, 'proof');
    expect(fold(begun, begin, chunk, end, digestsOf(5, { a: '1' }, 'proof')).faults).toEqual([]);
    expect(fold(begun, begin, chunk, end, wrong).faults).toHaveLength(1);
    expect(fold(begun, begin, chunk, wrong, end)).toEqual({ compared: 0, faults: [] });
  });

  it('are compared again with new content', () => {
    const wrong = digestsOf(2, { a: '1', b: '3' });
    const next = snapshot(2, { a: '1', b: '2' });
    expect(fold(begun, one, two, wrong, ...next, wrong).faults).toHaveLength(2);
  });

  it('are not a replica’s, nor of keys that are routed otherwise or nobody knows how', () => {
    const wrong = digestsOf(1, { a: '2' });
    expect(fold(begun, one, digestsOf(1, { a: '2' }, 'asks')).compared).toBe(0);
    expect(fold(hello(0, ofFirst), one, wrong).compared).toBe(0);
    expect(fold(hello(0, { ...named, digests: 'another' }), one, wrong).compared).toBe(0);
    expect(fold(hello(0, { ...named, digests: 'session-prefix' }), one, wrong).compared).toBe(1);
  });

  it('say nothing of content of a Rust primary, also behind a promotion, but of a snapshot that follows', () => {
    const wrong = digestsOf(101, { a: '2' });
    const rust = [hello(0, ofRust), one, two, digestsOf(2, { a: '2' })];
    const after = [hello(100, promoted), batch(set(101, 'c', '3', 3)), wrong];
    expect(fold(...rust, ...after)).toEqual({ compared: 0, faults: [] });
    expect(fold(begun, one, two, ...after).faults).toHaveLength(1);
    const base = snapshot(101, { a: '1', b: '2', c: '3' });
    expect(fold(...rust, ...after, ...base, wrong).faults).toHaveLength(1);
  });
});
