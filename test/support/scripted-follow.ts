/** A follower of a primary that says what a script has it say. */
import { FastcacheError } from '../../src/errors.js';
import type { FollowerOptions } from '../../src/replication/replica/follower-options.js';
import { FakePrimary, type Script } from './fake-primary.js';
import { startFollower } from './virtual-cluster.js';
import { VirtualTransport } from './virtual-transport.js';
import { VirtualWorld } from './virtual-world.js';

/** Starts both in a world of their own; `codes` are those of the follower's faults so far. */
export function follow(script: Script, options: Partial<FollowerOptions> = {}) {
  const world = new VirtualWorld();
  const transport = new VirtualTransport(world);
  const primary = new FakePrimary(transport, script);
  const replica = startFollower(world, transport, options);
  const codes = () =>
    replica.errors.map((error) => (error instanceof FastcacheError ? error.code : error.message));
  return { world, transport, primary, ...replica, codes };
}
