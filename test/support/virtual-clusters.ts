/** A primary and followers of it, ready to be disturbed, on either kind of store; all are closed behind each test. */
import { afterEach, expect } from 'vitest';
import type { TestStoreKind } from './kernel-store.js';
import {
  startFollower,
  startPrimary,
  type VirtualFollower,
  type VirtualPrimary,
  type VirtualPrimaryOptions,
} from './virtual-cluster.js';
import { type NetworkConditions, VirtualTransport } from './virtual-transport.js';
import { VirtualWorld } from './virtual-world.js';

export interface Cluster {
  world: VirtualWorld;
  transport: VirtualTransport;
  primary: VirtualPrimary;
  follow(): VirtualFollower;
  /** For a second primary on the same network. */
  start(options: VirtualPrimaryOptions): Promise<VirtualPrimary>;
  /** Done behind the test in any case. */
  close(): Promise<void>;
}

export type OpenCluster = (
  options?: VirtualPrimaryOptions,
  conditions?: Partial<NetworkConditions>,
) => Promise<Cluster>;

/** To be called while tests are being described. */
export function clustersOf(kind: TestStoreKind): OpenCluster {
  const open = new Set<Cluster>();
  afterEach(async () => {
    for (const cluster of open) await cluster.close();
  });
  return async (options = {}, conditions = {}) => {
    const world = new VirtualWorld();
    const transport = new VirtualTransport(world);
    Object.assign(transport.conditions, conditions);
    const primaries: VirtualPrimary[] = [];
    const followers: VirtualFollower[] = [];
    const start = async (settings: VirtualPrimaryOptions) => {
      const primary = await startPrimary(world, transport, { kind, ...settings });
      primaries.push(primary);
      return primary;
    };
    const cluster: Cluster = {
      world,
      transport,
      primary: await start(options),
      start,
      follow: () => {
        const follower = startFollower(world, transport, { kind });
        followers.push(follower);
        return follower;
      },
      close: async () => {
        open.delete(cluster);
        for (const { follower } of followers) follower.stop();
        for (const primary of primaries) await primary.stop();
      },
    };
    open.add(cluster);
    return cluster;
  };
}

export function fill({ store }: VirtualPrimary, from: number, to: number, value = 'v'.repeat(50)): void {
  for (let index = from; index < to; index += 1) store.set(`key:${index}`, `${value}:${index}`);
}

/** Each shard that the follower shows is exactly what that shard of the primary once was. */
export function expectWasOnceTrue(primary: VirtualPrimary, { store }: VirtualFollower): void {
  const held = store();
  for (const [shard, sequence] of held?.watermarks().entries() ?? []) {
    expect(held?.shardContent(shard)).toEqual(primary.contentAt(shard, sequence));
  }
}

export function isEqual(primary: VirtualPrimary, { store }: VirtualFollower): boolean {
  return store()?.watermarks().join() === primary.store.watermarks().join();
}
