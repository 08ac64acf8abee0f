/** The differences that `verify` finds between two servers, in any roles, also while they are written to. */
import { expect, it } from 'vitest';
import { compare, differing, fillNode, isAsFar, primaryNode, replicaNode } from '../support/compared.js';
import { eventually } from '../support/processes.js';

const SOON = BigInt(Date.now() + 3_600_000);

it('a primary and its replica are equal, and so are two of its replicas', async () => {
  const primary = await primaryNode();
  fillNode(primary, 0, 3_000);
  primary.engine.set('with an expiry', '1', SOON);
  const [one, other] = [await replicaNode(primary), await replicaNode(primary)];
  for (const [first, second] of [
    [primary, one],
    [one, primary],
    [one, other],
  ] as const) {
    expect(await compare(first.bindAddress!, second.bindAddress!)).toEqual({
      isEqual: true,
      isOneHistory: true,
      keys: [3_001, 3_001],
      differences: [],
      partsLeft: 0,
      unexplainedShards: [],
      changingKeys: 0,
      behindKeys: 0,
    });
  }
});

it('keys that differ are found, each with how it differs, and the rest is not', async () => {
  const primary = await primaryNode();
  fillNode(primary, 0, 5_000);
  primary.engine.set('with an expiry', '1', SOON);
  const replica = await replicaNode(primary);
  const { engine } = replica;
  engine.set('key:1', 'another');
  engine.set('key:2', 'value 2', SOON);
  engine.set('with an expiry', '2', SOON + 1n);
  engine.del('key:3');
  engine.set('added', '');
  const found = await compare(primary.bindAddress!, replica.bindAddress!);
  expect(differing(found)).toEqual([
    'expiry key:2',
    'only-first key:3',
    'only-second added',
    'value key:1',
    'value-and-expiry with an expiry',
  ]);
  expect(found).toMatchObject({ isEqual: false, isOneHistory: true, partsLeft: 0, behindKeys: 0 });
  const turned = await compare(replica.bindAddress!, primary.bindAddress!);
  expect(differing(turned)).toContain('only-second key:3');
  expect(differing(turned)).toContain('only-first added');
});

it('a list of differences ends at its limit, and says that there are more', async () => {
  const primary = await primaryNode();
  fillNode(primary, 0, 2_000);
  const replica = await replicaNode(primary);
  for (let n = 0; n < 500; n++) replica.engine.del(`key:${n}`);
  const found = await compare(primary.bindAddress!, replica.bindAddress!, 20);
  expect(found.differences).toHaveLength(20);
  expect(found.partsLeft).toBeGreaterThan(0);
});

it('servers of other shard counts and histories are compared by their keys', async () => {
  const one = await primaryNode({ shards: 2 });
  const other = await primaryNode({ shards: 8 });
  for (const node of [one, other]) fillNode(node, 0, 1_000);
  expect(await compare(one.bindAddress!, other.bindAddress!)).toMatchObject({
    isEqual: true,
    isOneHistory: false,
  });
  one.engine.set('key:7', 'another');
  other.engine.set('added', 'x');
  expect(differing(await compare(one.bindAddress!, other.bindAddress!))).toEqual([
    'only-second added',
    'value key:7',
  ]);
});

it('writes that go on make no difference, and hide none', async () => {
  const primary = await primaryNode();
  fillNode(primary, 0, 2_000);
  const replica = await replicaNode(primary);
  replica.engine.set('key:5', 'spoilt');
  replica.engine.del('key:6');
  let written = 0;
  const writing = setInterval(() => {
    for (let n = 0; n < 40; n++, written++) {
      const { engine } = primary;
      if (written % 5 === 0) engine.del(`key:${1_000 + (written % 1_000)}`);
      else engine.set(`key:${1_000 + (written % 1_000)}`, `${written}`, written % 3 === 0 ? SOON : undefined);
      engine.set('hot', `${written}`);
    }
    primary.endTurn();
  }, 2);
  try {
    const found = await compare(primary.bindAddress!, replica.bindAddress!);
    expect(differing(found)).toEqual(['only-first key:6', 'value key:5']);
    expect(found.behindKeys).toBe(0);
  } finally {
    clearInterval(writing);
  }
  expect(written).toBeGreaterThan(100);
  primary.engine.set('key:5', 'mended');
  primary.engine.set('key:6', 'mended');
  await eventually(
    () => replica.watermarks(),
    () => isAsFar(replica, primary),
  );
  expect((await compare(primary.bindAddress!, replica.bindAddress!)).isEqual).toBe(true);
});
