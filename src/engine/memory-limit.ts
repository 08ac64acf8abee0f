/** The memory limit of a store: how much content may take, and what is evicted when it takes more. */
import * as layout from '../kernel/layout.js';

/** The policies, which are named as those of Redis' `maxmemory-policy`; the first is the default. */
export const evictionPolicies = [
  'noeviction',
  'allkeys-lru',
  'allkeys-lfu',
  'allkeys-random',
  'volatile-lru',
  'volatile-lfu',
  'volatile-random',
  'volatile-ttl',
] as const;
/** One of the policies. */
export type EvictionPolicy = (typeof evictionPolicies)[number];

/** How LFU policies count uses, as Redis' `lfu-log-factor` and `lfu-decay-time` say. */
export interface UseCounting {
  /** The larger it is, the more uses a counter takes to grow; 0: every use counts one. */
  logFactor: number;
  /** Minutes without a use after which a counter is one less; 0: it never shrinks. */
  decayMinutes: number;
}

/** Redis' default of `maxmemory-samples`. */
export const DEFAULT_EVICTION_SAMPLES = 5;
/** Redis' defaults of `lfu-log-factor` and `lfu-decay-time`. */
export const DEFAULT_USE_COUNTING: UseCounting = { logFactor: 10, decayMinutes: 1 };

/** The limit: how much content may take, and what is evicted. */
export interface MemoryLimit {
  /** Bytes of content as `ShardEngine.usedBytes` counts them; 0 for as much as WebAssembly has. */
  maxBytes: number;
  policy: EvictionPolicy;
  /** How many records are looked at for one that an LRU or LFU policy evicts, 1 to 64; default 5. */
  samples?: number;
  /** How LFU policies count; without it as Redis does by default. */
  useCounting?: UseCounting;
}

/** Whether a policy counts uses: then a key has a frequency, and no idle time. */
export function countsUses(policy: EvictionPolicy): boolean {
  return policy === 'allkeys-lfu' || policy === 'volatile-lfu';
}

/** The kernel's number (EVICT_*) of each policy. */
export const policyCodes: Record<EvictionPolicy, number> = {
  noeviction: layout.EVICT_NOTHING,
  'allkeys-lru': layout.EVICT_LRU,
  'allkeys-lfu': layout.EVICT_LFU,
  'allkeys-random': layout.EVICT_RANDOM,
  'volatile-lru': layout.EVICT_VOLATILE_LRU,
  'volatile-lfu': layout.EVICT_VOLATILE_LFU,
  'volatile-random': layout.EVICT_VOLATILE_RANDOM,
  'volatile-ttl': layout.EVICT_TTL,
};
