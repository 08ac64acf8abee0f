/** INFO's section `memory`: the content's bytes as Redis names them, and what else is known of memory. */
import { datasetPercent, overheadBytes, peakPercent, ratioOf } from '../resp/memory-facts.js';
import type { Fields, ServerStatus } from './status-facts.js';

/** The section `memory`. The overhead is that of tables and expiries; the dataset is the records. */
export function memoryFields({ usedMemoryBytes, memory }: ServerStatus): Fields {
  if (memory === undefined) {
    return { used_memory: usedMemoryBytes, used_memory_human: humanBytes(usedMemoryBytes) };
  }
  const { usedBytes, peakBytes, residentBytes, allocatedBytes, systemBytes, maxBytes } = memory;
  return {
    used_memory: usedBytes,
    used_memory_human: humanBytes(usedBytes),
    used_memory_rss: residentBytes,
    used_memory_rss_human: humanBytes(residentBytes),
    used_memory_peak: peakBytes,
    used_memory_peak_human: humanBytes(peakBytes),
    used_memory_peak_perc: `${peakPercent(memory).toFixed(2)}%`,
    used_memory_overhead: overheadBytes(memory),
    used_memory_startup: memory.emptyBytes,
    used_memory_dataset: memory.recordBytes,
    used_memory_dataset_perc: `${datasetPercent(memory).toFixed(2)}%`,
    allocator_allocated: usedBytes,
    allocator_active: allocatedBytes,
    total_system_memory: systemBytes,
    total_system_memory_human: humanBytes(systemBytes),
    ...scriptFields(memory.scripts),
    maxmemory: maxBytes,
    maxmemory_human: humanBytes(maxBytes),
    maxmemory_policy: memory.policy,
    allocator_frag_ratio: ratioOf(allocatedBytes, usedBytes).toFixed(2),
    allocator_frag_bytes: allocatedBytes - usedBytes,
    mem_fragmentation_ratio: ratioOf(residentBytes, usedBytes).toFixed(2),
    mem_fragmentation_bytes: residentBytes - usedBytes,
    mem_replication_backlog: memory.backlogBytes,
    mem_total_replication_buffers: memory.backlogBytes,
    mem_clients_normal: memory.clientBytes,
    mem_cluster_links: 0,
    mem_aof_buffer: 0,
    mem_allocator: 'fastcache',
    active_defrag_running: 0,
    lazyfree_pending_objects: 0,
    lazyfreed_objects: 0,
  };
}

function scriptFields({ count, bytes }: { count: number; bytes: number }): Fields {
  return {
    used_memory_scripts_eval: bytes,
    number_of_cached_scripts: count,
    number_of_functions: 0,
    number_of_libraries: 0,
    used_memory_functions: 0,
    used_memory_scripts: bytes,
    used_memory_scripts_human: humanBytes(bytes),
  };
}

/** Writes a size for people: `1.50M`. */
export function humanBytes(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), 5);
  return power === 0 ? `${bytes}B` : `${(bytes / 1024 ** power).toFixed(2)}${'BKMGTP'[power]}`;
}
