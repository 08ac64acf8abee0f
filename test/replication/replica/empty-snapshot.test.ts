/** Content without a key over content with keys: refused, unless it is allowed. */
import { expect, it } from 'vitest';
import type { FrameSink } from '../../../src/files/frame-sink.js';
import { Recorder } from '../../../src/replication/outputs/recorder.js';
import type { FollowerOptions } from '../../../src/replication/replica/follower-options.js';
import { contentOf } from '../../support/engines.js';
import { FakePrimary, type Script } from '../../support/fake-primary.js';
import { foldBytes } from '../../support/fold-bytes.js';
import { startFollower } from '../../support/virtual-cluster.js';
import { VirtualTransport } from '../../support/virtual-transport.js';
import { VirtualWorld } from '../../support/virtual-world.js';

const OURS = 'a'.repeat(32);
const OTHER = 'b'.repeat(32);

/** A follower that holds a key when its primary comes back and says what `later` has it say. */
function follow(later: Script, allowEmptySnapshot?: boolean, recorder?: FollowerOptions['recorder']) {
  const world = new VirtualWorld();
  const transport = new VirtualTransport(world);
  const primary = new FakePrimary(transport, (peer) => {
    peer.answer([5n], OURS);
    peer.snapshot([5n], ['held']);
  });
  const replica = startFollower(world, transport, { allowEmptySnapshot, recorder });
  world.run(10);
  primary.script = later;
  primary.peers[0]?.connection.destroy();
  return { world, primary, ...replica };
}

const emptied: Script = (peer) => {
  peer.answer([9n], OTHER);
  peer.snapshot([9n]);
};

it('a primary that comes back without a key is refused, which is told once a second for as long as it lasts', () => {
  const { world, follower, store, log, errors } = follow(emptied);
  world.run(20_000);
  expect(errors.at(-1)).toMatchObject({ code: 'EMPTY_SNAPSHOT', retryable: true });
  expect(follower.refusesEmpty).toBe(true);
  expect(follower.holding?.history?.id).toBe(OURS);
  expect(store()?.get('held')).toBe('snapshot');
  const told = log.lines.filter((line) =>
    line.startsWith('error The primary has no key at all, and 1 are held'),
  );
  expect(told.length).toBeGreaterThanOrEqual(19);
  expect(told.length).toBeLessThanOrEqual(20);
  follower.stop();
  expect(follower.refusesEmpty).toBe(false);
});

it('what is refused is not whole in a dump, which goes on from what is held', () => {
  const written: Buffer[] = [];
  const sink: FrameSink = {
    handlers: { onDrain() {}, onFault() {} },
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
  const { world, primary, follower } = follow(emptied, false, recorder);
  world.run(5_000);
  expect(follower.refusesEmpty).toBe(true);
  primary.script = (peer) => {
    peer.answer([6n], OURS);
    peer.batch([6n]);
  };
  world.runUntil(() => follower.state.name === 'live');
  const { store, watermarks } = foldBytes(Buffer.concat(written));
  expect(watermarks).toEqual([6n]);
  expect([...contentOf(store).keys()].sort()).toEqual(['held', 'key:6']);
});

it('it is followed as soon as it has a key', () => {
  const { world, primary, follower, store } = follow(emptied);
  world.run(5_000);
  primary.script = (peer) => {
    peer.answer([10n], OTHER);
    peer.snapshot([10n], ['new']);
  };
  world.runUntil(() => follower.state.name === 'live');
  expect(follower.refusesEmpty).toBe(false);
  expect(store()?.content()).toEqual(['new=snapshot @null']);
});

it('it is followed again when it has its history back', () => {
  const { world, primary, follower, store } = follow(emptied);
  world.run(5_000);
  primary.script = (peer) => peer.answer([5n], OURS);
  world.runUntil(() => follower.state.name === 'live');
  expect(follower.refusesEmpty).toBe(false);
  expect(store()?.get('held')).toBe('snapshot');
});

it('a Rust primary that has nothing is refused too', () => {
  const { world, follower, store } = follow((peer) => peer.answer([0n]));
  world.run(2_000);
  expect(follower.refusesEmpty).toBe(true);
  expect(store()?.get('held')).toBe('snapshot');
});

it('where it is allowed, the empty content is taken', () => {
  const { world, follower, store } = follow(emptied, true);
  world.runUntil(() => store()?.keyCount() === 0);
  expect(follower.state.name).toBe('live');
  expect(follower.holding?.history?.id).toBe(OTHER);
});

it('who holds no key takes an empty snapshot', () => {
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
