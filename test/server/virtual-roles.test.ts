/**
 * Nodes in a virtual world that change their roles: the resources that are left behind, and the peers that
 * they refuse.
 */
import { expect, it } from 'vitest';
import { parseAddress } from '../../src/transport/address.js';
import { NodeWorld, type StartedNode } from '../support/node-world.js';

const DEAD = parseAddress('127.0.0.1:1');

const key = Buffer.from('key');

it('200 changes of role leave no timer, connection or listener behind', async () => {
  const nodes = new NodeWorld();
  const { world } = nodes;
  const one = await nodes.start(7001);
  const two = await nodes.start(7002, 7001);
  const leaf = await nodes.start(7003, 7002);
  const all = [one.node, two.node, leaf.node];
  const counts = () => [one, two, leaf].map(({ process: { timers, sockets } }) => [timers, sockets.size]);
  /** The one that leads follows the other, which is promoted, with a look at who is not there in between. */
  const swap = (leader: StartedNode, follower: StartedNode) => {
    leader.node.follow(DEAD);
    leader.node.follow(follower.at);
    follower.node.follow(DEAD);
    follower.node.promote();
    follower.node.engine.set(key, Buffer.from(String(world.nowMs)));
    world.run(500);
    world.runUntil(() => nodes.isLevel(...all));
    world.run(500);
  };
  world.runUntil(() => nodes.isLevel(...all));
  swap(one, two);
  swap(two, one);
  const before = counts();
  for (let changes = 0; changes < 200; changes += 10) {
    swap(one, two);
    swap(two, one);
  }
  expect(counts()).toEqual(before);
  expect(all.map((node) => node.listener?.replicas().length)).toEqual([1, 1, 0]);
  expect(nodes.transport.listening).toBe(3);
  // Nobody has needed another snapshot on the way.
  expect(all.map(({ metrics }) => metrics.catchUpSnapshotCount)).toEqual([1, 1, 0]);
  const closed = Promise.all(all.map((node) => node.close()));
  for (let turn = 0; turn < 100; turn += 1) {
    await new Promise(setImmediate);
    world.run(20);
  }
  await closed;
  expect(counts()).toEqual([0, 1, 2].map(() => [0, 0]));
  expect([nodes.transport.listening, world.pending]).toEqual([0, 0]);
});

it('a promoted node that follows a dead address can be followed by the primary that it left', async () => {
  const nodes = new NodeWorld();
  const { world } = nodes;
  const top = await nodes.start(7001);
  const middle = await nodes.start(7002, 7001);
  top.node.engine.set(key, Buffer.from('1'));
  world.runUntil(() => nodes.isLevel(top.node, middle.node));
  middle.node.promote();
  middle.node.engine.set(key, Buffer.from('2'));
  middle.node.follow(DEAD);
  const lost: string[] = [];
  top.node.events.on('lost', ({ error }) => lost.push(error.message));
  top.node.follow(middle.at);
  world.runUntil(() => top.node.following?.follower.state.name === 'live');
  expect(lost).toEqual([]);
  expect(nodes.isLevel(top.node, middle.node)).toBe(true);
  expect(top.node.engine.get(key)?.toString()).toBe('2');
  world.runUntil(() => middle.node.metrics.catchUpBacklogCount === 1);
  expect(middle.node.metrics.catchUpSnapshotCount).toBe(0);
});
