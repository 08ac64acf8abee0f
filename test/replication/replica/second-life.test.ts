/** A follower once a fault has been mended: the fault must leave no trace. */
import { describe, expect, it } from 'vitest';
import { WatermarkStore } from '../../../src/engine/watermark-store.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { encodeWatermarks } from '../../../src/frame/watermarks.js';
import { Tap } from '../../../src/replication/outputs/tap.js';
import { ChangeFold } from '../../support/change-fold.js';
import type { Script } from '../../support/fake-primary.js';
import { follow } from '../../support/scripted-follow.js';
import type { VirtualWorld } from '../../support/virtual-world.js';

const OURS = 'a'.repeat(32);

/** A follower with a tap whose consumer has no room while `isShut`. */
function tapped(script: Script) {
  const fold = new ChangeFold();
  const gate = { isShut: false, open: () => {} };
  const tap: Tap = new Tap({
    consumer: {
      take(change) {
        fold.take(change);
        if (!gate.isShut) return undefined;
        return new Promise<void>((resolve) => {
          gate.open = resolve;
        });
      },
    },
    watermarks: [],
    onFault: (error) => expect.unreachable(error.message),
  });
  const createStore = (shards: number) => new WatermarkStore(shards);
  const replica = follow(script, { tap, createStore });
  replica.world.always(() => tap.invariants());
  return { ...replica, fold, gate };
}

/** Lets what is promised happen, and what follows from it in the world. */
async function run(world: VirtualWorld, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10) {
    world.run(10);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('once a gap is mended', () => {
  it.each([OURS, undefined])('by a snapshot of history %s, the next connections resume', (history) => {
    const { world, primary, store, codes, follower } = follow((peer, hello, connection) => {
      if (connection <= 2) {
        peer.answer([2n], history);
        if (connection === 1) peer.snapshot([1n], ['a']);
        peer.batch([2n]);
        peer.batch([4n]);
      } else if (hello.hello.watermarks === undefined) {
        peer.answer([6n], history);
        peer.snapshot([6n], ['b']);
      } else {
        const [claimed = 0n] = hello.hello.watermarks;
        // A Rust primary is claimed a record less, which comes again.
        peer.answer([history === undefined ? claimed + 1n : claimed], history);
        if (history === undefined) peer.batch([claimed + 1n]);
      }
    });
    world.runUntil(() => primary.hellos.length === 3);
    world.run(10);
    expect(follower.state.name).toBe('live');
    for (let round = 0n; round < 3n; round += 1n) {
      primary.peers.at(-1)!.batch([7n + round]);
      world.run(10);
      primary.peers.at(-1)!.connection.destroy();
      world.runUntil(() => follower.state.name !== 'live');
      world.runUntil(() => follower.state.name === 'live');
    }
    const less = history === undefined ? 1n : 0n;
    const claims = [[2n - less], undefined, [7n - less], [8n - less], [9n - less]];
    expect(primary.claims()).toEqual([undefined, ...claims]);
    expect(codes().slice(0, 2)).toEqual(['SEQUENCE_GAP', 'SEQUENCE_GAP']);
    expect(store()?.content()).toEqual(
      ['b=snapshot', 'key:7=v', 'key:8=v', 'key:9=v'].map((entry) => `${entry} @null`),
    );
  });

  it('the pauses between tries are short again after the next good connection', () => {
    const { world, primary, transport, follower } = follow((peer, hello, connection) => {
      peer.answer([2n], OURS);
      if (hello.hello.watermarks === undefined) peer.snapshot([2n], ['a']);
      if (connection < 3) peer.batch([4n]);
    });
    world.runUntil(() => primary.hellos.length === 3);
    world.run(10);
    expect(follower.state.name).toBe('live');
    for (let round = 0; round < 10; round += 1) {
      const before = primary.hellos.length;
      transport.pairs.at(-1)?.server.break();
      world.runUntil(() => primary.hellos.length > before, 201);
      world.run(5);
    }
  });
});

describe('the same gap', () => {
  it('in a batch that mixes shards is that of the shard that lacks something', () => {
    const { world, primary, codes, follower } = follow((peer, _, connection) => {
      peer.answer(connection === 1 ? [2n, 2n] : [9n, 9n], OURS);
      if (connection === 1) peer.snapshot([2n, 2n], ['a']);
      if (connection === 3) {
        peer.snapshot([9n, 9n], ['b']);
        return;
      }
      // The first record goes on each time where the last connection ended; it is shard 1 that lacks
      // something.
      const next = BigInt(connection) + 2n;
      peer.batch([next]);
      peer.mixedBatch([
        [0, next + 1n],
        [1, 5n],
      ]);
    });
    world.runUntil(() => primary.hellos.length === 3);
    world.run(10);
    expect(codes()).toEqual(['SEQUENCE_GAP', 'SEQUENCE_GAP']);
    expect(primary.claims()).toEqual([undefined, [3n, 2n], undefined]);
    expect(follower.state.name).toBe('live');
  });
});

describe('after content that was refused', () => {
  it('on the very connection that brought what is held, that stays', () => {
    const { world, primary, store, codes } = follow((peer, _, connection) => {
      peer.answer([5n], OURS);
      if (connection > 1) return;
      peer.snapshot([5n], ['held']);
      peer.snapshot([6n], []);
    });
    world.runUntil(() => primary.hellos.length === 2);
    expect(codes()).toEqual(['EMPTY_SNAPSHOT']);
    expect(store()?.get('held')).toBe('snapshot');
    expect(primary.claims()).toEqual([undefined, [5n]]);
  });
});

describe("after a tap's pause", () => {
  it('the link is watched again, and was not meanwhile', async () => {
    const { world, primary, codes, gate } = tapped((peer) => {
      peer.answer([2n], OURS);
      peer.snapshot([2n], ['a']);
    });
    await run(world, 100);
    gate.isShut = true;
    primary.peers[0]!.batch([3n]);
    await run(world, 20_000);
    expect(codes()).toEqual([]);
    gate.isShut = false;
    gate.open();
    await run(world, 4_000);
    primary.peers[0]!.send(FrameKind.Ack, encodeWatermarks([3n]));
    await run(world, 4_900);
    expect(codes()).toEqual([]);
    await run(world, 300);
    expect(codes()).toEqual(['PEER_SILENT']);
    expect(primary.hellos.length).toBeGreaterThan(0);
  });

  it.each([1, 2, 3])('the link is watched, however often it paused: %i times', async (times) => {
    const { world, primary, codes, gate } = tapped((peer) => {
      peer.answer([2n], OURS);
      peer.snapshot([2n], ['a']);
    });
    await run(world, 100);
    for (let pause = 0; pause < times; pause += 1) {
      gate.isShut = true;
      primary.peers[0]!.batch([3n + BigInt(pause)]);
      await run(world, 6_000);
      gate.isShut = false;
      gate.open();
      await run(world, 100);
    }
    expect(codes()).toEqual([]);
    await run(world, 5_100);
    expect(codes()).toEqual(['PEER_SILENT']);
  });
});

describe('after an abandoned snapshot', () => {
  const script: Script = (peer, _, connection) => {
    if (connection === 1) {
      peer.answer([5n], OURS);
      peer.snapshot([5n], ['a', 'b']);
      peer.batch([6n]);
      peer.connection.end();
    } else if (connection === 2) {
      peer.answer([20n], OURS);
      peer.begin([20n]);
      peer.batch([21n], 'void');
      peer.chunk(0n, false, [20n], ['x', 'y']);
      peer.connection.end();
    } else {
      peer.answer([8n], OURS);
      peer.batch([7n, 8n]);
    }
  };

  it('a tap hands on what comes next, and nothing twice', async () => {
    const { world, primary, fold } = tapped(script);
    while (primary.hellos.length < 3) await run(world, 10);
    await run(world, 100);
    expect(fold.types.filter((type) => type.startsWith('snapshot'))).toEqual([
      'snapshot-begin',
      'snapshot-end',
      'snapshot-begin',
      'snapshot-abandoned',
    ]);
    expect(fold.records).toEqual(['0:6', '0:21', '0:7', '0:8']);
    expect(fold.content()).toEqual(
      ['a=snapshot', 'b=snapshot', 'key:6=v', 'key:7=v', 'key:8=v'].map((entry) => `${entry} @null`),
    );
  });

  it('a tap whose consumer is slow hands on the same', async () => {
    const { world, primary, fold, gate } = tapped(script);
    gate.isShut = true;
    while (primary.hellos.length < 3 || fold.records.at(-1) !== '0:8') {
      gate.open();
      await run(world, 10);
    }
    gate.open();
    expect(fold.records).toEqual(['0:6', '0:21', '0:7', '0:8']);
    expect(fold.content()).toHaveLength(5);
  });
});
