/** The memory limit of a store: how much content may take, and what goes when it takes more (Redis' `maxmemory-policy`). */
import * as layout from '../kernel/layout.js';

export const evictionPolicies = ['noeviction', 'allkeys-lru', 'allkeys-random', 'volatile-ttl'] as const;
export type EvictionPolicy = (typeof evictionPolicies)[number];

/** Redis' default of `maxmemory-samples`. */
export const DEFAULT_EVICTION_SAMPLES = 5;

export interface MemoryLimit {
  /** Bytes of content as `ShardEngine.usedBytes` counts them; 0: as much as WebAssembly has. */
  maxBytes: number;
  policy: EvictionPolicy;
  /** Records looked at for one that `allkeys-lru` evicts, 1 to 64; default 5. */
  samples?: number;
}

/** Policies as the kernel knows them. */
export const policyCodes: Record<EvictionPolicy, number> = {
  noeviction: layout.EVICT_NOTHING,
  'allkeys-lru': layout.EVICT_LRU,
  'allkeys-random': layout.EVICT_RANDOM,
  'volatile-ttl': layout.EVICT_TTL,
};
