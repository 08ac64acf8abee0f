/**
 * A primary and followers of it, ready to be disturbed, on either kind of store; all are closed behind each
 * test.
 */
import { afterEach, expect } from 'vitest';
import type { FollowerOptions } from '../../src/replication/replica/follower-options.js';
import { parseAddress } from '../../src/transport/address.js';
import type { TestStoreKind } from './kernel-store.js';
import {
  PRIMARY_ADDRESS,
  startFollower,
  startPrimary,
  type VirtualFollower,
  type VirtualPrimary,
  type VirtualPrimaryOptions,
} from './virtual-cluster.js';
import { VirtualRelay, type VirtualRelayOptions } from './virtual-relay.js';
import { type NetworkConditions, VirtualTransport } from './virtual-transport.js';
import { VirtualWorld } from './virtual-world.js';

export interface Cluster {
  world: VirtualWorld;
  transport: VirtualTransport;
  primary: VirtualPrimary;
  /** The primary, or whoever is at `address`. */
  follow(address?: string, options?: Partial<FollowerOptions>): VirtualFollower;
  /** A replica at `bind` that replicas may follow. */
  relay(options: Partial<VirtualRelayOptions> & { bind: string }): Promise<VirtualRelay>;
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
    const relays: VirtualRelay[] = [];
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
      follow: (address = PRIMARY_ADDRESS, options = {}) => {
        const follower = startFollower(world, transport, {
          kind,
          address: parseAddress(address),
          ...options,
        });
        followers.push(follower);
        return follower;
      },
      relay: async (settings) => {
        const relay = await VirtualRelay.start(world, transport, {
          kind,
          address: PRIMARY_ADDRESS,
          ...settings,
        });
        relays.push(relay);
        return relay;
      },
      close: async () => {
        open.delete(cluster);
        for (const { follower } of followers) follower.stop();
        for (const relay of relays) await relay.stop();
        for (const primary of primaries) await primary.stop();
      },
    };
    open.add(cluster);
    return cluster;
  };
}

export function fill(
  { store }: Pick<VirtualPrimary, 'store'>,
  from: number,
  to: number,
  value = 'v'.repeat(50),
): void {
  for (let index = from; index < to; index += 1) store.set(`key:${index}`, `${value}:${index}`);
}

/** Each shard that the follower shows is exactly what that shard of the primary once was. */
export function expectWasOnceTrue(primary: VirtualPrimary, { store }: Pick<VirtualFollower, 'store'>): void {
  const held = store();
  for (const [shard, sequence] of held?.watermarks().entries() ?? []) {
    expect(held?.shardContent(shard)).toEqual(primary.contentAt(shard, sequence));
  }
}

export function isEqual(
  primary: Pick<VirtualPrimary, 'store'>,
  { store }: Pick<VirtualFollower, 'store'>,
): boolean {
  return store()?.watermarks().join() === primary.store.watermarks().join();
}
