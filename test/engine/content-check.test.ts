/** The check that what lies in a store's memory is what was written. */
import { describe, expect, it } from 'vitest';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import { type FlippedPart, flipBit } from '../support/bit-flips.js';
import { newEngine, StandingClock, scanAll } from '../support/engines.js';
import { RandomSource } from '../support/random.js';

const bytes = (text: string) => Buffer.from(text);

describe('the check of the content', () => {
  it('finds a bit that has flipped, of a key, a value or an expiry, 1,000 of 1,000', () => {
    const clock = new StandingClock();
    const engine = newEngine({ clock });
    const random = new RandomSource(9);
    for (let n = 0; n < 1000; n++) {
      const expiry = n % 2 === 0 ? undefined : BigInt(clock.ms + 1 + random.below(1e6));
      engine.set(bytes(`key:${n}`), random.bytes(random.skewed(2000)), expiry);
    }
    const entries = [...scanAll(engine)];
    expect(damagedOf(engine)).toEqual([]);
    for (let n = 0; n < 1000; n++) {
      const { key, value, expireAtMs } = random.pick(entries);
      const parts: FlippedPart[] = ['key'];
      if (value.length > 0) parts.push('value');
      if (expireAtMs !== null) parts.push('expiry');
      const flipBack = flipBit(engine, key, random.pick(parts), random);
      expect(damagedOf(engine)).toHaveLength(1);
      flipBack();
    }
    expect(damagedOf(engine)).toEqual([]);
  });

  it('goes round in steps of few records and few bytes, long values in pieces', () => {
    const engine = newEngine({ shards: 2 });
    const random = new RandomSource(10);
    engine.set(bytes('long'), random.bytes(1_000_000));
    for (let n = 0; n < 2000; n++) engine.set(bytes(`key:${n}`), random.bytes(random.below(300)));
    const round = () => {
      let records = 0;
      for (let steps = 1; ; steps++) {
        const step = engine.digests.check(100, 50_000);
        expect(step.records).toBeLessThanOrEqual(100);
        records += step.records;
        if (step.isDone || step.damaged !== undefined) return { ...step, records, steps };
      }
    };
    expect(round()).toMatchObject({ records: 2001, damaged: undefined });
    const flipBack = flipBit(engine, bytes('long'), 'value', random);
    expect(round().damaged).toEqual({ shard: engine.route(bytes('long')).shard, key: bytes('long') });
    flipBack();
    round();
    expect(round()).toMatchObject({ records: 2001, damaged: undefined });
  });

  it('knows short values as sound whose bytes are more than a step may have', () => {
    const engine = newEngine({ shards: 1 });
    const random = new RandomSource(12);
    for (let bytesOf = 0; bytesOf < 300; bytesOf++)
      engine.set(bytes(`key:${bytesOf}`), random.bytes(bytesOf));
    for (let isDone = false; !isDone; ) {
      const step = engine.digests.check(100, 10);
      expect(step.damaged).toBeUndefined();
      isDone = step.isDone;
    }
  });

  it('raises no alarm while content changes between its steps', () => {
    const clock = new StandingClock();
    const engine = newEngine({ clock, maxMemoryBytes: 64 * 2 ** 20 });
    const random = new RandomSource(11);
    const content = random.bytes(300_000);
    const anyKey = () => bytes(`key:${random.below(3000)}`);
    let rounds = 0;
    for (let step = 0; step < 20_000; step++) {
      for (let n = 0; n < 5; n++) {
        const chosen = random.below(10);
        if (chosen < 5) {
          const expiry = random.chance(0.3) ? BigInt(clock.ms + random.below(5000)) : undefined;
          engine.set(
            anyKey(),
            content.subarray(0, random.skewed(random.chance(0.01) ? 300_000 : 500)),
            expiry,
          );
        } else if (chosen < 7) engine.values.overwrite(anyKey(), random.skewed(200_000), bytes('part'));
        else if (chosen < 8) engine.del(anyKey());
        else if (chosen < 9) engine.expire(anyKey(), BigInt(clock.ms + random.below(5000)));
        else engine.compact(50);
      }
      if (step % 50 === 0) {
        clock.pass(300);
        engine.sweep(200);
        const used = Math.floor(engine.usedBytes() * 0.9);
        if (step % 1000 === 0) engine.limitMemory({ maxBytes: used, policy: 'allkeys-random' });
        engine.makeRoom();
      }
      if (step % 1000 === 500) engine.limitMemory({ maxBytes: 0, policy: 'noeviction' });
      const checked = engine.digests.check(100, 40_000);
      expect(checked.damaged).toBeUndefined();
      if (checked.isDone) rounds++;
    }
    expect(rounds).toBeGreaterThan(10);
  });
});

/** The damaged records that one round finds. */
function damagedOf(engine: ShardEngine) {
  const found = [];
  // A round that is under way ends first.
  while (!engine.digests.check(1e9, 1e9).isDone);
  for (let isDone = false; !isDone; ) {
    const step = engine.digests.check(1e9, 1e9);
    isDone = step.isDone;
    if (step.damaged !== undefined) found.push(step.damaged);
  }
  return found;
}
