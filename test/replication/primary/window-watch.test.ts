/** The warning before a replica falls out of the backlog: when, and once. */
import { describe, expect, it } from 'vitest';
import { encodeHelloFrame } from '../../../src/frame/hello.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { encodeWatermarks } from '../../../src/frame/watermarks.js';
import { RawPeer, startFollower, type VirtualPrimary } from '../../support/virtual-cluster.js';
import { clustersOf, fill, isEqual } from '../../support/virtual-clusters.js';
import type { VirtualWorld } from '../../support/virtual-world.js';

const cluster = clustersOf('map');
const SHARE_BYTES = 100_000;

async function withOneGone() {
  const opened = await cluster({
    store: { shards: 1 },
    publisher: { backlogBytes: SHARE_BYTES },
  });
  const { world, primary, follow } = opened;
  fill(primary, 0, 10);
  const replica = follow();
  world.runUntil(() => isEqual(primary, replica));
  world.run(1_500);
  const [{ address } = { address: '' }] = primary.listener.replicas();
  replica.follower.stop(new Error('the link is cut'));
  world.run(10);
  return { ...opened, replica, address };
}

/** About 130 bytes each. */
function write(world: VirtualWorld, primary: VirtualPrimary, records: number, eachMs = 10): void {
  for (let index = 0; index < records; index += 1) {
    fill(primary, index, index + 1);
    world.run(eachMs);
  }
}

const warnings = ({ log }: VirtualPrimary) => log.lines.filter((line) => line.startsWith('warn'));

describe('a replica that is gone', () => {
  it('is warned of once, before it falls out, with the time left, the bytes and the flag', async () => {
    const { world, primary, address } = await withOneGone();
    write(world, primary, 200);
    expect(warnings(primary)).toEqual([]);
    write(world, primary, 330);
    const [line] = warnings(primary);
    const told =
      /^warn replica (\S+) is gone and lacks (\d+) of the 100000 bytes that the backlog keeps: at the present write rate it needs a snapshot in (\d+) ms; a larger --backlog gives it longer$/.exec(
        line ?? '',
      );
    expect(told?.[1]).toBe(address);
    expect(Number(told?.[2])).toBeGreaterThan(SHARE_BYTES / 2);
    const warnedInMs = Number(told?.[3]);
    expect(warnedInMs).toBeGreaterThan(500);
    expect(warnedInMs).toBeLessThan(5_000);
    write(world, primary, 1_000);
    expect(warnings(primary)).toHaveLength(1);
  });

  it('that is found fallen out is told of as such', async () => {
    const { world, primary } = await withOneGone();
    write(world, primary, 1_000, 0.1);
    world.run(1_000);
    expect(warnings(primary)).toEqual([
      expect.stringContaining(
        'has fallen out of the backlog, and needs a snapshot when it comes back; a larger --backlog',
      ),
    ]);
  });

  it('is not warned of while nothing is written, nor when it is back', async () => {
    const { world, transport, primary, replica } = await withOneGone();
    write(world, primary, 300);
    world.run(60_000);
    expect(warnings(primary)).toEqual([]);
    const again = startFollower(world, transport, { holding: replica.follower.holding });
    world.runUntil(() => isEqual(primary, again));
    write(world, primary, 2_000);
    expect(warnings(primary)).toEqual([]);
    again.follower.stop(new Error('the link is cut'));
  });

  it('is warned of again in its next absence', async () => {
    const { world, transport, primary, replica } = await withOneGone();
    write(world, primary, 600);
    expect(warnings(primary)).toHaveLength(1);
    const again = startFollower(world, transport, { holding: replica.follower.holding });
    world.runUntil(() => isEqual(primary, again));
    world.run(1_500);
    again.follower.stop(new Error('the link is cut'));
    write(world, primary, 600);
    expect(warnings(primary)).toHaveLength(2);
  });
});

describe('a replica that is connected', () => {
  it('and does not acknowledge what it is sent is warned of once', async () => {
    const { world, transport, primary, follow } = await cluster({
      store: { shards: 1 },
      publisher: { backlogBytes: SHARE_BYTES },
    });
    const replica = follow();
    world.runUntil(() => isEqual(primary, replica));
    world.run(200);
    transport.pairs[0]!.server.stall();
    write(world, primary, 450);
    expect(warnings(primary)).toEqual([expect.stringContaining('is connected and lacks')]);
  });

  it('is warned of again when it was back at a quarter of the backlog, not at half', async () => {
    const { world, transport, primary } = await cluster({
      store: { shards: 1 },
      publisher: { backlogBytes: SHARE_BYTES },
    });
    const peer = RawPeer.connect(world, transport);
    peer.connection.write(encodeHelloFrame({ role: 'replica' }, { margin: new Map() }));
    write(world, primary, 1_000, 1);
    /** Its lack stays about this part of the backlog while it is looked at twice. */
    const lack = (part: number) => {
      for (let time = 0; time < 5; time += 1) {
        write(world, primary, 5, 20);
        const held = primary.publisher.backlog.watermarksLacking(part);
        peer.send(FrameKind.Ack, encodeWatermarks(held));
        world.run(400);
      }
      return warnings(primary).length;
    };
    expect(lack(0.1)).toBe(0);
    expect(lack(0.46)).toBe(0);
    expect(lack(0.54)).toBe(1);
    expect(lack(0.46)).toBe(1);
    expect(lack(0.28)).toBe(1);
    expect(lack(0.54)).toBe(1);
    expect(lack(0.22)).toBe(1);
    expect(lack(0.54)).toBe(2);
  });

  it('and holds nothing yet, for its snapshot is on its way, is not', async () => {
    const { world, transport, primary } = await cluster({
      store: { shards: 1 },
      publisher: { backlogBytes: SHARE_BYTES },
    });
    fill(primary, 0, 10);
    const peer = RawPeer.connect(world, transport);
    peer.connection.write(encodeHelloFrame({ role: 'replica' }, { margin: new Map() }));
    peer.send(FrameKind.Ack, encodeWatermarks([]));
    world.run(10);
    expect(primary.listener.replicas()).toMatchObject([{ state: 'live', acknowledged: [] }]);
    write(world, primary, 300);
    expect(warnings(primary)).toEqual([]);
  });

  it('and keeps up is not', async () => {
    const { world, primary, follow } = await cluster({
      store: { shards: 1 },
      publisher: { backlogBytes: SHARE_BYTES },
    });
    follow();
    write(world, primary, 2_000);
    expect(warnings(primary)).toEqual([]);
  });
});

it('nothing looks where no replica ever was, and no longer when the last is forgotten', async () => {
  const { world, primary, follow } = await cluster();
  expect(world.pending).toBe(0);
  const replica = follow();
  world.runUntil(() => isEqual(primary, replica));
  replica.follower.stop(new Error('the link is cut'));
  world.run(3_602_000);
  expect(world.pending).toBe(0);
});
