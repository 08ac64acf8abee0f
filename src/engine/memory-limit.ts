/** The memory limit of a store: how much content may take, and what is evicted when it takes more. */
import * as layout from '../kernel/layout.js';

/** The policies, which are named as those of Redis' `maxmemory-policy`. */
export const evictionPolicies = ['noeviction', 'allkeys-lru', 'allkeys-random', 'volatile-ttl'] as const;
/** One of the policies. */
export type EvictionPolicy = (typeof evictionPolicies)[number];

/** Redis' default of `maxmemory-samples`. */
export const DEFAULT_EVICTION_SAMPLES = 5;

/** The limit: how much content may take, and what is evicted. */
export interface MemoryLimit {
  /** Bytes of content as `ShardEngine.usedBytes` counts them; 0 for as much as WebAssembly has. */
  maxBytes: number;
  policy: EvictionPolicy;
  /** How many records are looked at for one that `allkeys-lru` evicts, 1 to 64; default 5. */
  samples?: number;
}

/** The kernel's number (EVICT_*) of each policy. */
export const policyCodes: Record<EvictionPolicy, number> = {
  noeviction: layout.EVICT_NOTHING,
  'allkeys-lru': layout.EVICT_LRU,
  'allkeys-random': layout.EVICT_RANDOM,
  'volatile-ttl': layout.EVICT_TTL,
};
