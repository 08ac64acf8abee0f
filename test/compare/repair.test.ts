/** The differences that `--repair` mends, on every replica, and those that it refuses. */
import { expect, it } from 'vitest';
import { checkRepair, publishAgain } from '../../src/compare/repair.js';
import { compare, fillNode, isAsFar, primaryNode, replicaNode, withSides } from '../support/compared.js';
import { eventually } from '../support/processes.js';

it('a primary publishes again what differs, and deletions, so that all replicas have them', async () => {
  const primary = await primaryNode();
  fillNode(primary, 0, 2_000);
  primary.engine.set('with an expiry', '1', BigInt(Date.now() + 3_600_000));
  const spoilt = await replicaNode(primary);
  const behindIt = await replicaNode(spoilt.bindAddress!);
  await eventually(
    () => behindIt.stream,
    () => behindIt.stream !== undefined && isAsFar(behindIt, primary),
  );
  for (const { engine } of [spoilt, behindIt]) {
    engine.set('key:1', 'another');
    engine.del('key:2');
    engine.set('added', 'x');
    engine.expire(Buffer.from('with an expiry'), 2_000_000_000_000n);
  }
  const before = primary.engine.digests.of(0);
  const pair = [primary.bindAddress!, spoilt.bindAddress!] as const;
  const { differences } = await compare(...pair);
  expect(differences).toHaveLength(4);
  await withSides(pair, async (sides) => {
    await checkRepair(sides);
    expect(await publishAgain(sides[0], differences)).toBe(4);
  });
  expect(primary.engine.digests.of(0)).toEqual(before);
  await eventually(
    () => behindIt.watermarks(),
    () => isAsFar(spoilt, primary) && isAsFar(behindIt, primary),
  );
  for (const replica of [spoilt, behindIt]) {
    expect((await compare(primary.bindAddress!, replica.bindAddress!)).isEqual).toBe(true);
  }
});

it('is refused for all but a primary and its replica', async () => {
  const primary = await primaryNode();
  fillNode(primary, 0, 10);
  const replica = await replicaNode(primary);
  const other = await primaryNode();
  const refusal = (first: string, second: string) =>
    withSides([first, second], checkRepair).catch((error) => error);
  const [ofPrimary, ofReplica, ofOther] = [primary.bindAddress!, replica.bindAddress!, other.bindAddress!];
  for (const [first, second, reason] of [
    [ofReplica, ofPrimary, `${ofReplica} is no primary of fastcache`],
    [ofPrimary, ofOther, 'is a primary itself'],
    [ofOther, ofReplica, 'does not hold the history of that primary'],
  ] as const) {
    expect(await refusal(first, second)).toMatchObject({
      code: 'REPAIR_REFUSED',
      message: expect.stringContaining(reason),
    });
  }
});

it('a replica, and a primary that hands over, publish nothing again', async () => {
  const primary = await primaryNode();
  fillNode(primary, 0, 10);
  const replica = await replicaNode(primary);
  const key = { sort: 'value', key: Buffer.from('key:1'), shard: 0 } as const;
  await withSides([replica.bindAddress!, primary.bindAddress!], async ([side]) => {
    await expect(publishAgain(side, [key])).rejects.toMatchObject({
      code: 'COMPARE_REFUSED',
      message: expect.stringContaining('It is no primary.'),
    });
  });
});
