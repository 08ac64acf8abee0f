/** Keys give way to a history that is foreign to them, or to nothing at all, only where somebody means it. */
import { describe, expect, it } from 'vitest';
import type { FrameSink } from '../../../src/files/frame-sink.js';
import { Recorder } from '../../../src/replication/outputs/recorder.js';
import type { FollowerOptions } from '../../../src/replication/replica/follower-options.js';
import { parseAddress } from '../../../src/transport/address.js';
import { contentOf } from '../../support/engines.js';
import { FakePrimary, type Script } from '../../support/fake-primary.js';
import { foldBytes } from '../../support/fold-bytes.js';
import { startFollower } from '../../support/virtual-cluster.js';
import { VirtualTransport } from '../../support/virtual-transport.js';
import { VirtualWorld } from '../../support/virtual-world.js';

const OURS = 'a'.repeat(32);
const OTHER = 'b'.repeat(32);

/** A follower that holds a key when its primary comes back and says what `later` has it say. */
function followOf(answer: Script) {
  return (later: Script, options: Partial<FollowerOptions> = {}) => {
    const world = new VirtualWorld();
    const transport = new VirtualTransport(world);
    const primary = new FakePrimary(transport, (peer, ...rest) => {
      answer(peer, ...rest);
      peer.snapshot([5n], ['held']);
    });
    const replica = startFollower(world, transport, options);
    world.run(10);
    primary.script = later;
    primary.peers[0]?.connection.destroy();
    return { world, transport, primary, ...replica };
  };
}

const follow = followOf((peer) => peer.answer([5n], OURS));
/** Behind a Rust primary. */
const followRust = followOf((peer) => peer.answer([5n]));

/** A primary that was started again, to which something was written. */
const restarted: Script = (peer) => {
  peer.answer([9n], OTHER);
  peer.snapshot([9n], ['new']);
};
const emptied: Script = (peer) => {
  peer.answer([9n], OTHER);
  peer.snapshot([9n]);
};
const told = (lines: readonly string[]) => lines.filter((line) => line.includes('they stay'));

describe.each([
  ['with a key', restarted],
  ['without a key', emptied],
])('a primary that comes back in another history, %s,', (_, script) => {
  it('is refused, which is told once a second for as long as it lasts, and shown by one event', () => {
    const { world, follower, store, log, errors, events } = follow(script);
    world.run(20_000);
    expect(errors.at(-1)).toMatchObject({ code: 'FOREIGN_HISTORY', retryable: true, expected: OURS });
    expect(follower.refusal).toBe('foreign-history');
    expect(follower.holding?.history?.id).toBe(OURS);
    expect(store()?.content()).toEqual(['held=snapshot @null']);
    expect(events.filter((name) => name === 'foreignHistory')).toHaveLength(1);
    expect(told(log.lines).length).toBeGreaterThanOrEqual(19);
    expect(told(log.lines).length).toBeLessThanOrEqual(20);
    expect(told(log.lines)[0]).toMatch(/^error 127.*REPLICAOF NO ONE.*fresh-history/);
    follower.stop();
    expect(follower.refusal).toBeUndefined();
  });

  it('is taken in by whoever is told to accept it', () => {
    const { world, follower } = follow(script, { foreignHistory: 'accept' });
    world.runUntil(() => follower.state.name === 'live' && follower.holding?.history?.id === OTHER);
    expect(follower.refusal).toBeUndefined();
  });

  it('is followed again when it has its history back', () => {
    const { world, primary, follower, store } = follow(script);
    world.run(5_000);
    primary.script = (peer) => peer.answer([5n], OURS);
    world.runUntil(() => follower.state.name === 'live');
    expect(follower.refusal).toBeUndefined();
    expect(store()?.get('held')).toBe('snapshot');
  });

  it('is not whole in a dump, which goes on from what is held', () => {
    const written: Buffer[] = [];
    const sink: FrameSink = {
      handlers: { onDrain() {}, onFault() {} },
      unwrittenBytes: 0,
      begin() {},
      write: (bytes) => written.push(Buffer.from(bytes)) > 0,
      sync: async () => {},
      digest: () => '',
      end: async () => {},
    };
    const recorder = new Recorder({
      sink,
      maxQueuedBytes: 1_000_000,
      onFault: (error) => expect.fail(error.message),
    });
    recorder.begin();
    const { world, primary, follower } = follow(script, { recorder });
    world.run(5_000);
    expect(follower.refusal).toBe('foreign-history');
    primary.script = (peer) => {
      peer.answer([6n], OURS);
      peer.batch([6n]);
    };
    world.runUntil(() => follower.state.name === 'live');
    const { store, watermarks } = foldBytes(Buffer.concat(written));
    expect(watermarks).toEqual([6n]);
    expect([...contentOf(store).keys()].sort()).toEqual(['held', 'key:6']);
  });
});

describe('a primary in another history', () => {
  it('is taken in when it goes back to what is held, however many promotions lie between', () => {
    const between = Array.from({ length: 15 }, (_, at) => at.toString(16).padStart(32, 'c'));
    const { world, store } = follow((peer) => {
      peer.answer([9n], OTHER, { past: [...between, OURS].join() });
      peer.snapshot([9n], ['new']);
    });
    world.runUntil(() => store()?.get('new') === 'snapshot');
  });

  it('is taken in when it says that it means to start over', () => {
    const { world, primary, follower, store } = follow(restarted);
    world.run(5_000);
    expect(follower.refusal).toBe('foreign-history');
    primary.script = (peer) => {
      peer.answer([9n], OTHER, { fresh: 'yes' });
      peer.snapshot([9n], ['new']);
    };
    world.runUntil(() => store()?.get('new') === 'snapshot');
    expect(follower.refusal).toBeUndefined();
  });

  it('is taken in once by a follower that was told to follow it, and refused the next time', () => {
    const { world, primary, transport, follower } = follow(restarted);
    world.run(2_000);
    follower.stop();
    const next = startFollower(world, transport, { holding: follower.holding, isRequested: true });
    world.runUntil(() => next.follower.state.name === 'live');
    expect(next.store()?.content()).toEqual(['new=snapshot @null']);
    primary.script = (peer) => {
      peer.answer([12n], 'c'.repeat(32));
      peer.snapshot([12n], ['newest']);
    };
    primary.peers.at(-1)?.connection.destroy();
    world.run(5_000);
    expect(next.follower.refusal).toBe('foreign-history');
    expect(next.store()?.content()).toEqual(['new=snapshot @null']);
  });

  it('is taken in by whoever holds no key', () => {
    const world = new VirtualWorld();
    const transport = new VirtualTransport(world);
    const primary = new FakePrimary(transport, (peer, _, connection) => {
      peer.answer([5n], connection === 1 ? OURS : OTHER);
      peer.snapshot([5n]);
    });
    const { follower } = startFollower(world, transport);
    world.run(10);
    primary.peers[0]?.connection.destroy();
    world.run(1_000);
    expect(follower.holding?.history?.id).toBe(OTHER);
  });

  it('is refused by whoever holds what a Rust primary has', () => {
    const { world, follower } = followRust(restarted);
    world.run(2_000);
    expect(follower.refusal).toBe('foreign-history');
  });
});

describe('where content without a key is allowed,', () => {
  const options = { allowEmptySnapshot: true };

  it('it is taken', () => {
    const { world, follower, store } = follow(emptied, options);
    world.runUntil(() => store()?.keyCount() === 0);
    expect(follower.state.name).toBe('live');
    expect(follower.holding?.history?.id).toBe(OTHER);
  });

  it('another history with a key is refused all the same', () => {
    const { world, follower, store, errors } = follow(restarted, options);
    world.run(2_000);
    expect(errors.at(-1)).toMatchObject({ code: 'FOREIGN_HISTORY' });
    expect(follower.refusal).toBe('foreign-history');
    expect(store()?.get('held')).toBe('snapshot');
  });
});

describe('a Rust primary', () => {
  it.each([
    ['that has nothing', 0n],
    ['whose watermarks go back', 4n],
  ])('%s is refused', (_, watermark) => {
    const { world, follower, store } = followRust((peer) => {
      peer.answer([watermark]);
      peer.snapshot([watermark], ['new']);
    });
    world.run(2_000);
    expect(follower.refusal).toBe('foreign-history');
    expect(store()?.content()).toEqual(['held=snapshot @null']);
  });

  it('at another address is claimed nothing of, and all that it has is taken, whatever the numbers', () => {
    const { world, transport, follower } = followRust((peer) => peer.answer([5n]));
    world.runUntil(() => follower.state.name === 'live');
    follower.stop();
    const other = new FakePrimary(
      transport,
      (peer, { hello }) => {
        peer.answer([8n]);
        if (hello.watermarks === undefined) peer.snapshot([8n], ['other']);
        else peer.batch([6n, 7n, 8n]);
      },
      '127.0.0.1:7999',
    );
    const address = parseAddress('127.0.0.1:7999');
    const next = startFollower(world, transport, { holding: follower.holding, isRequested: true, address });
    world.runUntil(() => next.follower.state.name === 'live');
    expect(other.claims()).toEqual([undefined]);
    expect(next.store()?.content()).toEqual(['other=snapshot @null']);
    // The next connection claims what is held now, but for the record that is to come again.
    other.peers[0]?.batch([9n]);
    world.run(10);
    other.peers[0]?.connection.destroy();
    world.runUntil(() => other.hellos.length === 2);
    expect(other.claims()).toEqual([undefined, [8n]]);
  });

  it('in the place of one of ours is refused', () => {
    const { world, follower, store } = follow((peer) => {
      peer.answer([9n]);
      peer.snapshot([9n], ['new']);
    });
    world.run(2_000);
    expect(follower.refusal).toBe('foreign-history');
    expect(store()?.get('held')).toBe('snapshot');
  });
});
