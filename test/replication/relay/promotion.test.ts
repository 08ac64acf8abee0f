/** A relay becomes a primary: the replicas that carry on from its content, and those that must start over. */
import { describe, expect, it } from 'vitest';
import { encodeHello } from '../../../src/frame/hello.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { parseAddress } from '../../../src/transport/address.js';
import { FakePrimary } from '../../support/fake-primary.js';
import { PRIMARY_ADDRESS, RawPeer, startFollower } from '../../support/virtual-cluster.js';
import { clustersOf, fill, isEqual } from '../../support/virtual-clusters.js';
import { VirtualRelay } from '../../support/virtual-relay.js';
import { VirtualTransport } from '../../support/virtual-transport.js';
import { VirtualWorld } from '../../support/virtual-world.js';

const HEIR = '127.0.0.1:7001';
const SIBLING = '127.0.0.1:7002';
const LOWER = '127.0.0.1:7003';

/** Returns a promoted node as the helpers want it that compare with a primary. */
function asPrimary(node: VirtualRelay) {
  return { store: node.store()! };
}

describe.each(['map', 'kernel'] as const)('on a %s store:', (kind) => {
  const cluster = clustersOf(kind);

  /** A primary with an heir and a sibling of that, all level. */
  async function family(options: Parameters<typeof cluster>[0] = {}) {
    const opened = await cluster(options);
    fill(opened.primary, 0, 200);
    const heir = await opened.relay({ bind: HEIR });
    const sibling = await opened.relay({ bind: SIBLING });
    const { world, primary } = opened;
    world.runUntil(() => isEqual(primary, heir) && isEqual(primary, sibling));
    return { ...opened, heir, sibling };
  }

  describe('a promoted relay', () => {
    it('keeps its leaf, which goes on in the new history without a snapshot', async () => {
      const { world, primary, follow, heir } = await family();
      const leaf = follow(HEIR);
      world.runUntil(() => isEqual(primary, leaf));
      leaf.events.length = 0;
      await primary.stop();
      const held = heir.store()!.watermarks();
      const { history } = heir.promote();
      expect(history.previous).toEqual({ ...primary.history, watermarks: held });
      fill(asPrimary(heir), 150, 260, 'from the heir');
      world.runUntil(() => isEqual(asPrimary(heir), leaf));
      expect(leaf.events).toEqual(['lost', 'connecting', 'adopted', 'live', 'caughtUp']);
      expect(leaf.store()?.content()).toEqual(heir.store()?.content());
      expect(leaf.follower.holding?.history?.id).toBe(history.id);
      for (const watermark of leaf.store()!.watermarks()) expect(watermark).toBeGreaterThan(history.base);
    });

    it('keeps a chain below it', async () => {
      const { world, primary, relay, follow, heir } = await family();
      const lower = await relay({ address: HEIR, bind: LOWER });
      const leaf = follow(LOWER);
      world.runUntil(() => isEqual(primary, leaf));
      leaf.events.length = 0;
      await primary.stop();
      heir.promote();
      fill(asPrimary(heir), 0, 100, 'from the heir');
      world.runUntil(() => isEqual(asPrimary(heir), leaf));
      expect([...leaf.events, ...lower.following!.events.slice(-4)]).not.toContain('snapshot');
      expect(leaf.store()?.content()).toEqual(heir.store()?.content());
    });

    it('keeps a sibling that is level', async () => {
      const { world, primary, heir, sibling } = await family();
      await primary.stop();
      heir.promote();
      sibling.follow(HEIR);
      heir.store()!.set('later', 'on');
      world.runUntil(() => isEqual(asPrimary(heir), sibling));
      expect(sibling.following?.events).toEqual(['connecting', 'adopted', 'live', 'caughtUp']);
      expect(sibling.store()?.content()).toEqual(heir.store()?.content());
    });

    it('keeps a sibling that is behind, from its own backlog, and leaves that follow it', async () => {
      const { world, transport, primary, follow, heir, sibling } = await family();
      const leaf = follow(SIBLING);
      world.runUntil(() => isEqual(primary, leaf));
      transport.pairs[1]!.server.stall();
      fill(primary, 0, 60, 'the sibling lacks it');
      world.runUntil(() => isEqual(primary, heir));
      expect(isEqual(primary, sibling)).toBe(false);
      await primary.stop();
      heir.promote();
      fill(asPrimary(heir), 0, 20, 'from the heir');
      leaf.events.length = 0;
      sibling.follow(HEIR);
      world.runUntil(() => isEqual(asPrimary(heir), sibling) && isEqual(asPrimary(heir), leaf));
      expect(sibling.following?.events).not.toContain('snapshot');
      expect(leaf.events).not.toContain('snapshot');
      expect(leaf.store()?.content()).toEqual(heir.store()?.content());
      expect(heir.log.lines.join()).toMatch(/resumes from the backlog: records that it lacks: \d+/);
    });

    it('lets one that was cut while it still had old numbers go on', async () => {
      const { world, transport, primary, heir, sibling } = await family({ store: { shards: 1 } });
      transport.pairs[1]!.server.stall();
      for (let round = 0; round < 40; round += 1) {
        fill(primary, round, round + 1, 'x'.repeat(900));
        world.run(5);
      }
      await primary.stop();
      heir.promote();
      fill(asPrimary(heir), 0, 5, 'from the heir');
      transport.conditions.cutAfterBytes = 6_000;
      sibling.follow(HEIR);
      world.runUntil(() => sibling.following!.events.includes('lost'));
      const cut = sibling.store()!.watermarks()[0]!;
      const { history } = sibling.follower.holding!;
      expect(history?.id).toBe(heir.publisher?.history.id);
      expect(cut).toBeLessThan(history!.base);
      transport.conditions.cutAfterBytes = Number.POSITIVE_INFINITY;
      world.runUntil(() => isEqual(asPrimary(heir), sibling));
      expect(sibling.following?.events).not.toContain('snapshot');
      expect(sibling.store()?.content()).toEqual(heir.store()?.content());
      world.run(200);
      expect(heir.listener.replicas()[0]?.acknowledged).toEqual(heir.store()?.watermarks());
    });

    it('gives a sibling that is above it a snapshot, and says why', async () => {
      const { world, transport, primary, heir, sibling } = await family();
      transport.pairs[0]!.server.stall();
      fill(primary, 0, 60, 'the heir lacks it');
      world.runUntil(() => isEqual(primary, sibling));
      await primary.stop();
      heir.promote();
      sibling.follow(HEIR);
      world.runUntil(() => sibling.follower.state.name === 'live');
      expect(sibling.following?.events).toContain('snapshot');
      expect(sibling.store()?.content()).toEqual(heir.store()?.content());
      expect(heir.log.lines.at(-1)).toMatch(
        /is given a snapshot: in shard \d it is at sequence \d+ of history [0-9a-f]{32}, which this one continues from \d+$/,
      );
      expect(sibling.following?.log.lines.join()).toMatch(
        /starts over with what \S+ has: the primary has another history/,
      );
    });

    it('gives a Rust replica with old numbers a snapshot, whatever the backlog has', async () => {
      const { world, transport, primary, heir } = await family({ store: { shards: 1 } });
      const old = heir.store()!.watermarks();
      await primary.stop();
      heir.promote();
      heir.store()!.set('later', 'on');
      const peer = RawPeer.connect(world, transport, HEIR);
      peer.send(FrameKind.Hello, encodeHello({ role: 'replica', watermarks: old }));
      world.run(20);
      expect(peer.kinds().slice(0, 2)).toEqual([FrameKind.Hello, FrameKind.SnapshotBegin]);
    });

    it('of too many shards for the margin gives its siblings snapshots, and both sides agree on it', async () => {
      const { world, primary, heir, sibling } = await family({ store: { shards: 1_024 } });
      await primary.stop();
      heir.promote();
      sibling.follow(HEIR);
      heir.store()!.set('later', 'on');
      world.runUntil(() => isEqual(asPrimary(heir), sibling));
      expect(sibling.following?.events).toEqual(['connecting', 'snapshot', 'swapped', 'live', 'caughtUp']);
    });

    it('gives one that is two promotions behind a snapshot, for the way there is told by the last alone', async () => {
      const { world, transport, primary, relay, heir, sibling } = await family({ store: { shards: 1 } });
      const late = await relay({ bind: LOWER });
      world.runUntil(() => isEqual(primary, late));
      transport.pairs.at(-1)!.server.stall();
      fill(primary, 0, 60, 'it lacks this');
      world.runUntil(() => isEqual(primary, heir) && isEqual(primary, sibling));
      await primary.stop();
      heir.promote();
      sibling.follow(HEIR);
      fill(asPrimary(heir), 0, 20, 'from the heir');
      world.runUntil(() => isEqual(asPrimary(heir), sibling));
      late.follow(HEIR);
      world.runUntil(() => late.following!.events.includes('adopted'));
      transport.pairs.at(-1)!.server.stall();
      expect(late.store()!.watermarks()[0]).toBeLessThan(heir.publisher!.history.base);
      sibling.promote();
      late.follow(SIBLING);
      world.runUntil(() => isEqual(asPrimary(sibling), late));
      expect(late.following?.events).toContain('snapshot');
      expect(late.following?.errors).toEqual([]);
      expect(sibling.log.lines.at(-1)).toMatch(
        /which this one continues, and has not come to where that began$/,
      );
      transport.pairs.at(-2)!.server.unstall();
    });

    it('that follows its heir in turn carries on too, and so on', async () => {
      const { world, primary, follow, heir, sibling } = await family();
      const leaf = follow(SIBLING);
      world.runUntil(() => isEqual(primary, leaf));
      leaf.events.length = 0;
      await primary.stop();
      let [present, next] = [heir, sibling];
      present.promote();
      for (let round = 0; round < 4; round += 1) {
        next.follow(present === heir ? HEIR : SIBLING);
        fill(asPrimary(present), round * 10, round * 10 + 40, `round ${round}`);
        world.runUntil(() => isEqual(asPrimary(present), next) && isEqual(asPrimary(present), leaf));
        expect(next.following?.events).not.toContain('snapshot');
        next.promote();
        [present, next] = [next, present];
        fill(asPrimary(present), round * 10 + 20, round * 10 + 25, `new ${round}`);
      }
      next.follow(present === heir ? HEIR : SIBLING);
      world.runUntil(() => isEqual(asPrimary(present), next) && isEqual(asPrimary(present), leaf));
      expect(leaf.events).not.toContain('snapshot');
      expect(leaf.store()?.content()).toEqual(heir.store()?.content());
      expect(sibling.store()?.content()).toEqual(heir.store()?.content());
    });
  });
});

it('a relay above a Rust primary that is promoted keeps its leaf, which then leaves expiring to it', async () => {
  const world = new VirtualWorld();
  const transport = new VirtualTransport(world);
  new FakePrimary(transport, (peer) => {
    peer.answer([2n]);
    peer.batch([1n, 2n]);
  });
  const heir = await VirtualRelay.start(world, transport, { address: PRIMARY_ADDRESS, bind: HEIR });
  const leaf = startFollower(world, transport, { address: parseAddress(HEIR) });
  world.runUntil(() => leaf.follower.state.name === 'live');
  expect(leaf.follower.primaryIsOurs).toBe(false);
  leaf.events.length = 0;
  heir.promote();
  heir.store()!.set('later', 'on');
  world.runUntil(() => leaf.store()?.get('later') === 'on');
  expect(leaf.events).not.toContain('snapshot');
  expect(leaf.follower.primaryIsOurs).toBe(true);
  leaf.follower.stop();
  await heir.stop();
});
