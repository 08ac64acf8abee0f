/** A replica that ends on purpose: the frames that it sends to a primary of fastcache, and to a Rust one. */
import { expect, it } from 'vitest';
import { FrameKind } from '../../../src/frame/kinds.js';
import { decodeWatermarks } from '../../../src/frame/watermarks.js';
import { follow } from '../../support/scripted-follow.js';

const OURS = 'a'.repeat(32);

/** Follows until all is there, is stopped, and returns what the primary was sent behind the Hello. */
function stopped(history: string | undefined, error?: Error) {
  const { world, primary, follower, store } = follow((peer) => {
    peer.answer([2n], history);
    if (history !== undefined) peer.snapshot([0n]);
    peer.batch([1n, 2n]);
  });
  world.run(10);
  expect(store()?.watermarks()).toEqual([2n]);
  const before = primary.peers[0]!.frames.length;
  follower.stop(error);
  world.run(10);
  return primary.peers[0]!.frames.slice(before);
}

it('sends a primary of fastcache its watermarks, as the last thing', () => {
  const [leave, ...more] = stopped(OURS);
  expect(leave?.kind).toBe(FrameKind.Leave);
  expect([...decodeWatermarks(leave!.payload)]).toEqual([2n]);
  expect(more).toEqual([]);
});

it('sends nothing when a fault ends it, so that it is missed', () => {
  expect(stopped(OURS, new Error('the disk is full'))).toEqual([]);
});

it('sends a Rust primary nothing', () => {
  expect(stopped(undefined)).toEqual([]);
});
