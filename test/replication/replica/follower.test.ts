import { describe, expect, it } from 'vitest';
import { encodeErrorText } from '../../../src/frame/error-text.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import type { Script } from '../../support/fake-primary.js';
import { follow } from '../../support/scripted-follow.js';
import { startFollower } from '../../support/virtual-cluster.js';
import { VirtualTransport } from '../../support/virtual-transport.js';
import { VirtualWorld } from '../../support/virtual-world.js';

const OURS = 'a'.repeat(32);
const OTHER = 'b'.repeat(32);

describe('a follower of a Rust primary', () => {
  it('that holds nothing claims nothing, and takes frames from the first sequence as new content', () => {
    const { world, primary, store, events, follower } = follow((peer) => {
      peer.answer([3n]);
      peer.batch([1n, 2n]);
    });
    world.run(10);
    expect(primary.claims()).toEqual([undefined]);
    expect(primary.hellos[0]?.margin).toEqual(new Map());
    expect(store()).toBeUndefined();
    primary.peers[0]?.batch([3n, 4n]);
    world.run(10);
    expect(store()?.watermarks()).toEqual([4n]);
    expect(store()?.keyCount()).toBe(4);
    expect(events).toEqual(['connecting', 'snapshot', 'swapped', 'live', 'caughtUp']);
    expect(follower).toMatchObject({ primaryIsOurs: false, state: { name: 'live' } });
  });

  it('holds an empty store as soon as it learns that there is nothing', () => {
    const { world, store, events } = follow((peer) => peer.answer([0n, 0n, 0n, 0n]));
    world.run(10);
    expect(store()?.shards).toBe(4);
    expect(events.at(-1)).toBe('caughtUp');
  });

  it('takes a snapshot, then frames that come twice', () => {
    const { world, store, metrics } = follow((peer) => {
      peer.answer([5n]);
      peer.snapshot([5n], ['a', 'b']);
      peer.batch([4n, 5n, 6n]);
      peer.batch([6n]);
      peer.batch([7n]);
    });
    world.run(10);
    expect(store()?.get('a')).toBe('snapshot');
    expect(store()?.watermarks()).toEqual([7n]);
    expect(metrics).toMatchObject({ replicaApplied: 2, replicaSkipped: 3 });
  });

  it('comes back claiming one record less, without a history, and is live once that has come again', () => {
    const { world, primary, follower, events } = follow((peer) => {
      peer.answer([2n]);
      peer.batch([1n, 2n]);
    });
    world.run(10);
    primary.script = (peer) => peer.answer([2n]);
    primary.peers[0]?.connection.destroy();
    world.run(500);
    expect(primary.claims()).toEqual([undefined, [1n]]);
    expect(primary.hellos[1]?.margin?.get('history')).toBeUndefined();
    expect(follower.state.name).toBe('handshake');
    primary.peers[1]?.batch([1n, 2n]);
    world.run(10);
    expect(follower.state.name).toBe('live');
    expect(events).not.toContain('resync');
  });

  it.each([
    ['in its place is another record', [2n, 3n], 'other'],
    ['it does not come at all', [3n], 'v'],
  ])('whose claim is not proved, for %s, comes back claiming nothing', (_, sequences, value) => {
    const { world, primary, store, codes } = follow((peer, { hello }, connection) => {
      peer.answer([3n]);
      if (connection === 1) peer.batch([1n, 2n, 3n], 'old');
      else if (hello.watermarks !== undefined) peer.batch([...sequences, 4n], value);
      else peer.snapshot([3n], ['new']);
    });
    world.run(10);
    primary.peers[0]?.connection.destroy();
    world.runUntil(() => store()?.get('new') !== undefined);
    expect(primary.claims()).toEqual([undefined, [2n], undefined]);
    expect(codes()).toEqual(['CONNECTION_LOST', 'HISTORY_DIFFERS']);
    expect(store()?.keyCount()).toBe(1);
  });

  it('claims less of the first shard whose last record it knows, and nothing behind a snapshot alone', () => {
    const { world, primary } = follow((peer, { hello }, connection) => {
      peer.answer([2n, 2n]);
      if (hello.watermarks === undefined) peer.snapshot([2n, 2n], ['a']);
      if (connection === 2) peer.batch([3n], 'v', 1);
    });
    world.run(10);
    primary.peers[0]?.connection.destroy();
    world.runUntil(() => primary.hellos.length === 2);
    world.run(10);
    primary.peers[1]?.connection.destroy();
    world.runUntil(() => primary.hellos.length === 3);
    expect(primary.claims()).toEqual([undefined, undefined, [2n, 2n]]);
  });

  it('whose watermarks are below its own comes back claiming nothing, and keeps the old until the new is whole', () => {
    const { world, primary, store, codes } = follow(
      (peer, _, connection) => {
        peer.answer([connection === 1 ? 3n : 2n]);
        if (connection === 1) peer.batch([1n, 2n, 3n], 'old');
        if (connection === 3) peer.batch([1n], 'new');
      },
      { foreignHistory: 'accept' },
    );
    world.run(10);
    primary.peers[0]?.connection.destroy();
    world.runUntil(() => primary.hellos.length === 3);
    world.run(10);
    expect(primary.claims()).toEqual([undefined, [2n], undefined]);
    expect(codes()).toEqual(['CONNECTION_LOST', 'HISTORY_DIFFERS']);
    expect(store()?.get('key:3')).toBe('old');
    primary.peers[2]?.batch([2n], 'new');
    world.run(10);
    expect(store()?.content()).toEqual(['key:1=new @null', 'key:2=new @null']);
  });

  it('does not go on with a history it has from a primary of ours', () => {
    const { world, primary, store, codes } = follow(
      (peer, _, connection) => {
        if (connection === 1) {
          peer.answer([5n], OURS);
          peer.snapshot([5n], ['a']);
        } else {
          peer.answer([9n]);
          if (connection === 2) peer.batch([6n, 7n, 8n, 9n]);
          else peer.snapshot([9n], ['b']);
        }
      },
      { foreignHistory: 'accept' },
    );
    world.run(10);
    primary.peers[0]?.connection.destroy();
    world.runUntil(() => store()?.get('b') !== undefined);
    expect(primary.claims()).toEqual([undefined, [5n], undefined]);
    expect(codes()).toEqual(['CONNECTION_LOST', 'HISTORY_DIFFERS']);
    expect(store()?.get('a')).toBeUndefined();
  });

  it('with another shard count than it holds comes back claiming nothing', () => {
    const { world, primary, codes } = follow(
      (peer, _, connection) => {
        peer.answer(connection === 1 ? [1n] : [1n, 1n]);
        if (connection === 1) peer.batch([1n]);
      },
      { foreignHistory: 'accept' },
    );
    world.run(10);
    primary.peers[0]?.connection.destroy();
    world.runUntil(() => primary.hellos.length === 3);
    expect(primary.claims()).toEqual([undefined, [0n], undefined]);
    expect(codes()).toEqual(['CONNECTION_LOST', 'HISTORY_DIFFERS']);
  });
});

describe('a follower of a primary of ours', () => {
  it('says whose history it holds, and follows another only by a snapshot', () => {
    const { world, primary, store, follower, codes } = follow(
      (peer, _, connection) => {
        peer.answer([5n], connection === 1 ? OURS : OTHER);
        if (connection === 1) peer.snapshot([5n], ['a']);
        if (connection === 2) peer.batch([6n]);
        if (connection === 3) peer.snapshot([5n], ['b']);
      },
      { foreignHistory: 'accept' },
    );
    world.run(10);
    expect(follower.holding?.history?.id).toBe(OURS);
    expect(follower.primaryIsOurs).toBe(true);
    primary.peers[0]?.connection.destroy();
    world.runUntil(() => primary.hellos.length === 3);
    expect(primary.hellos[1]?.margin?.get('history')).toBe(OURS);
    expect(codes()).toEqual(['CONNECTION_LOST', 'FRAME_OUT_OF_PLACE']);
    expect(store()?.watermarks()).toEqual([5n]);
    world.run(10);
    expect(follower.holding?.history?.id).toBe(OTHER);
    expect(store()?.content()).toEqual(['b=snapshot @null']);
  });

  it('takes chunks from any number on with live batches among them, and shows the whole at its end', () => {
    const { world, primary, store, events } = follow((peer) => {
      peer.answer([5n], OURS);
      peer.begin([5n]);
      peer.chunk(17n, false, [5n], ['a', 'key:6']);
      peer.batch([6n, 7n]);
      peer.chunk(18n, false, [7n], ['key:7', 'key:8']);
      peer.batch([8n], 'live');
      peer.chunk(19n, true, [8n], []);
    });
    world.run(10);
    expect(store()).toBeUndefined();
    primary.peers[0]?.end([8n]);
    primary.peers[0]?.batch([9n]);
    world.run(10);
    expect(store()?.watermarks()).toEqual([9n]);
    const loaded = ['a=snapshot', 'key:6=v', 'key:7=snapshot', 'key:8=live', 'key:9=v'];
    expect(store()?.content()).toEqual(loaded.map((entry) => `${entry} @null`));
    expect(events).toEqual(['connecting', 'snapshot', 'swapped', 'live', 'caughtUp']);
  });

  it('that brings a live batch twice within a snapshot applies it once', () => {
    const { world, store, metrics } = follow((peer) => {
      peer.answer([5n], OURS);
      peer.begin([5n]);
      peer.batch([4n, 5n, 6n]);
      peer.batch([6n, 7n]);
      peer.chunk(3n, true, [7n], []);
      peer.end([7n]);
    });
    world.run(10);
    expect(store()?.watermarks()).toEqual([7n]);
    expect(metrics).toMatchObject({ replicaApplied: 2, replicaSkipped: 3 });
  });
});

describe('a gap', () => {
  it('is never applied: the follower comes back, and goes on when it is gone', () => {
    const { world, primary, store, codes } = follow((peer, _, connection) => {
      peer.answer([2n]);
      if (connection === 1) peer.batch([1n, 2n]);
      if (connection === 1) peer.batch([4n]);
      if (connection === 2) peer.batch([1n, 2n]);
      if (connection === 2) peer.batch([3n, 4n]);
    });
    world.runUntil(() => primary.hellos.length === 2);
    world.run(10);
    expect(primary.claims()).toEqual([undefined, [1n]]);
    expect(codes()).toEqual(['SEQUENCE_GAP']);
    expect(store()?.watermarks()).toEqual([4n]);
  });

  it('met again is answered with a claim of nothing, and behind the snapshot with a stop', () => {
    const { world, primary, store, codes, follower, events } = follow((peer, hello) => {
      peer.answer([2n], OURS);
      if (hello.hello.watermarks === undefined) peer.snapshot([2n], ['a']);
      peer.batch([4n]);
    });
    world.run(60_000);
    expect(primary.claims()).toEqual([undefined, [2n], undefined]);
    expect(codes()).toEqual(['SEQUENCE_GAP', 'SEQUENCE_GAP', 'SEQUENCE_GAP']);
    expect(follower.state).toMatchObject({ name: 'stopped', error: { code: 'SEQUENCE_GAP' } });
    expect(events.at(-1)).toBe('stopped');
    expect(store()?.get('a')).toBe('snapshot');
    expect(store()?.get('key:4')).toBeUndefined();
    expect(world.pending).toBe(0);
  });

  it('elsewhere is a gap of its own', () => {
    const { world, primary, codes, follower } = follow((peer, _, connection) => {
      const next = BigInt(connection) * 2n - 1n;
      peer.answer([next + 1n]);
      peer.batch([next - 1n, next, next + 1n].filter((sequence) => sequence > 0n));
      if (connection < 5) peer.batch([next + 3n]);
    });
    world.runUntil(() => primary.hellos.length === 5);
    world.run(10);
    expect(primary.claims()).toEqual([undefined, [1n], [3n], [5n], [7n]]);
    expect(codes()).toEqual(['SEQUENCE_GAP', 'SEQUENCE_GAP', 'SEQUENCE_GAP', 'SEQUENCE_GAP']);
    expect(follower.state.name).toBe('live');
  });
});

describe('what does not belong where it stands', () => {
  const wrong: [string, Script, string][] = [
    ['a chunk without a begin', (peer) => peer.chunk(0n, true, [9n], ['x']), 'FRAME_OUT_OF_PLACE'],
    ['an end without a begin', (peer) => peer.end([9n]), 'FRAME_OUT_OF_PLACE'],
    ['a second Hello', (peer) => peer.answer([9n], OTHER), 'FRAME_OUT_OF_PLACE'],
    [
      'a chunk missing',
      (peer) => {
        peer.begin([9n]);
        peer.chunk(4n, false, [9n], ['x']);
        peer.chunk(6n, true, [9n], ['x']);
      },
      'SNAPSHOT_OUT_OF_ORDER',
    ],
    [
      'a chunk twice',
      (peer) => {
        peer.begin([9n]);
        peer.chunk(0n, false, [9n], ['x']);
        peer.chunk(0n, true, [9n], ['x']);
      },
      'SNAPSHOT_OUT_OF_ORDER',
    ],
    [
      'a chunk behind the last',
      (peer) => {
        peer.begin([9n]);
        peer.chunk(0n, true, [9n], ['x']);
        peer.chunk(1n, true, [9n], ['x']);
      },
      'SNAPSHOT_OUT_OF_ORDER',
    ],
    [
      'an end before the last chunk',
      (peer) => {
        peer.begin([9n]);
        peer.chunk(0n, false, [9n], ['x']);
        peer.end([9n]);
      },
      'SNAPSHOT_OUT_OF_ORDER',
    ],
    [
      'an end above the batches that came',
      (peer) => {
        peer.begin([9n]);
        peer.batch([10n]);
        peer.chunk(0n, true, [10n], ['x']);
        peer.end([11n]);
      },
      'SNAPSHOT_OUT_OF_ORDER',
    ],
    [
      'an end below the batches that came',
      (peer) => {
        peer.begin([9n]);
        peer.batch([10n]);
        peer.chunk(0n, true, [10n], ['x']);
        peer.end([9n]);
      },
      'SNAPSHOT_OUT_OF_ORDER',
    ],
    [
      'a gap inside a snapshot',
      (peer) => {
        peer.begin([9n]);
        peer.batch([11n]);
      },
      'SEQUENCE_GAP',
    ],
    [
      'a begin inside a snapshot',
      (peer) => {
        peer.begin([9n]);
        peer.begin([9n]);
      },
      'FRAME_OUT_OF_PLACE',
    ],
    ['another shard count', (peer) => peer.begin([9n, 9n]), 'SNAPSHOT_OUT_OF_ORDER'],
    ['a foreign shard', (peer) => peer.batch([6n], 'x', 3), 'SHARD_OUT_OF_RANGE'],
    ['no frame at all', (peer) => peer.connection.write(Buffer.from('garbage')), 'FCRP_BAD_MAGIC'],
  ];
  it.each(wrong)('%s: the connection is dropped, what is held stays', (_, script, code) => {
    const { world, primary, store, codes } = follow((peer, hello, connection) => {
      peer.answer([5n], OTHER);
      if (connection === 1) peer.snapshot([5n], ['a']);
      if (connection === 2) script(peer, hello, connection);
    });
    world.run(10);
    primary.peers[0]?.connection.destroy();
    world.runUntil(() => primary.hellos.length === 3);
    expect(codes()).toEqual(['CONNECTION_LOST', code]);
    expect(store()?.content()).toEqual(['a=snapshot @null']);
    expect(primary.peers[1]?.closed).toBe(true);
  });
});

describe("what the crate's primary does not do", () => {
  const wrong: [string, Script, string][] = [
    ['begin with a later chunk', (peer) => peer.chunk(1n, true, [9n], ['x']), 'SNAPSHOT_OUT_OF_ORDER'],
    ['send a batch inside a snapshot', (peer) => peer.batch([10n]), 'FRAME_OUT_OF_PLACE'],
  ];
  it.each(wrong)('%s: the connection is dropped', (_, script, code) => {
    const { world, codes, store } = follow((peer, hello, connection) => {
      peer.answer([9n]);
      peer.begin([9n]);
      script(peer, hello, connection);
    });
    world.run(10);
    expect(codes()).toEqual([code]);
    expect(store()).toBeUndefined();
  });
});

describe('a primary that cannot be followed', () => {
  const say =
    (text: string): Script =>
    (peer) =>
      peer.send(FrameKind.Error, encodeErrorText(text));

  it('refuses the token: told as such, and tried again', () => {
    const { world, primary, events, codes } = follow(say('invalid auth token'), { token: 'wrong' });
    world.runUntil(() => primary.hellos.length === 3);
    expect(primary.hellos[0]?.hello.token).toBe('wrong');
    expect(events.slice(0, 4)).toEqual(['connecting', 'refused', 'lost', 'connecting']);
    expect(codes()[0]).toBe('TOKEN_REFUSED');
  });

  it('refuses the token: the end for whoever fails fast', () => {
    const { world, follower, events } = follow(say('invalid auth token'), { failFast: true });
    world.run(10_000);
    expect(events).toEqual(['connecting', 'refused', 'stopped']);
    expect(follower.state).toMatchObject({ name: 'stopped', error: { code: 'TOKEN_REFUSED', exitCode: 77 } });
    expect(world.pending).toBe(0);
  });

  it.each([
    ['unsupported FCRP version', 'PRIMARY_REFUSED'],
    ['too many replicas', 'TOO_MANY_REPLICAS'],
  ])('says "%s"', (text, code) => {
    const { world, codes } = follow(say(text), { failFast: true });
    world.run(10);
    expect(codes()).toEqual([code]);
  });

  it('never answers', () => {
    const { world, codes } = follow(() => {});
    world.run(5_100);
    expect(codes()).toEqual(['PEER_SILENT']);
  });

  it('answers with a shard count that cannot be', () => {
    for (const shards of [0, 3, 2_048]) {
      const { world, codes } = follow((peer) => peer.answer(new Array(shards).fill(0n)));
      world.run(10);
      expect(codes()).toEqual(['SHARD_OUT_OF_RANGE']);
    }
  });

  it('is not there: tried with growing pauses, each between nothing and its ceiling', () => {
    const world = new VirtualWorld(7);
    const transport = new VirtualTransport(world);
    const pauses: number[] = [];
    const { follower } = startFollower(world, transport, {
      handlers: { lost: ({ retryInMs }) => pauses.push(retryInMs) },
    });
    world.runUntil(() => pauses.length === 200, 10_000_000);
    follower.stop();
    const ceilings = pauses.map((_, attempt) => Math.min(5_000, 200 * 2 ** attempt));
    expect(pauses.every((pause, attempt) => pause >= 0 && pause < ceilings[attempt]!)).toBe(true);
    const late = pauses.slice(10);
    expect(Math.min(...late)).toBeLessThan(500);
    expect(Math.max(...late)).toBeGreaterThan(4_500);
    expect(world.pending).toBe(0);
  });

  it('sends what cannot be applied, again and again: tried ever more rarely', () => {
    const { world, primary, codes } = follow((peer) => {
      peer.answer([0n]);
      peer.connection.write(Buffer.from('garbage'));
    });
    world.run(600_000);
    expect(new Set(codes())).toEqual(new Set(['FCRP_BAD_MAGIC']));
    expect(primary.hellos.length).toBeLessThan(400);
  });

  it('that was caught up with starts the pauses over', () => {
    const { world, transport, primary } = follow((peer) => peer.answer([0n]));
    world.run(10);
    for (let round = 0; round < 20; round += 1) {
      const before = primary.hellos.length;
      transport.pairs.at(-1)?.server.break();
      world.runUntil(() => primary.hellos.length > before, 201);
      world.run(5);
    }
  });
});

describe('a follower that is stopped', () => {
  it.each(['connecting', 'live', 'lost'] as const)('while %s leaves no timer and no connection', (moment) => {
    const { world, transport, follower, events } = follow((peer) => peer.answer([0n]));
    if (moment !== 'connecting') world.run(10);
    if (moment === 'lost') transport.pairs[0]?.server.break();
    expect(events.at(-1)).toBe(moment === 'live' ? 'caughtUp' : moment);
    follower.stop();
    world.run(1_000);
    expect(world.pending).toBe(0);
    expect(transport.pairs.every(({ client }) => client.closed)).toBe(true);
    expect(events.filter((event) => event === 'stopped')).toHaveLength(1);
    expect(events.filter((event) => event === 'connecting')).toHaveLength(1);
  });
});
