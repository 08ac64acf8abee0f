/**
 * A node's answer to memory that differs from the content written to it (docs/operations.md, "Divergence"): a
 * replica has its content replaced; a primary has nobody to take it from, and can only report it.
 */
import type { Clock } from '../clock.js';
import type { DamagedRecord } from '../engine/digests.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import type { ReplicationMetrics } from '../replication/metrics.js';
import type { Divergence, DivergenceState } from '../replication/replica/divergence.js';
import type { NodeReport } from '../status/report.js';
import type { Events, NodeEvents } from './events.js';

/** The most characters of a key that are logged. */
const SHOWN_CHARACTERS = 64;

/** The parts of a node that matter here. */
export interface CheckedNode {
  readonly engine: ShardEngine;
  readonly seams: { readonly clock: Clock };
  readonly events: Events<NodeEvents>;
  readonly metrics: ReplicationMetrics;
  /** The part of a replica; undefined while the node leads. */
  readonly following: { readonly divergence: Divergence } | undefined;
}

/** The damage of a node's content, and whatever else is known to be wrong with it. */
export class ContentDamage {
  readonly #node: CheckedNode;
  /** The shards of a primary that are damaged, and their store: another one is not. */
  #damaged: { engine: ShardEngine; shards: Set<number>; sinceMs: number } | undefined;

  constructor(node: CheckedNode) {
    this.#node = node;
  }

  /** The shards that are not what they should be; undefined while none is known to be wrong. */
  get state(): DivergenceState | undefined {
    const { engine, following } = this.#node;
    if (following !== undefined) return following.divergence.state;
    if (this.#damaged?.engine !== engine) return undefined;
    const { shards, sinceMs } = this.#damaged;
    return { shards: [...shards].sort((a, b) => a - b), sinceMs };
  }

  /** Returns what a report says of it. */
  report(): Pick<NodeReport, 'diverges' | 'divergences'> {
    return { diverges: this.state, divergences: this.#node.metrics.divergences };
  }

  /** Called with a record of the node's store that is not what was written. */
  found({ shard, key }: DamagedRecord): void {
    const { engine, seams, events, metrics, following } = this.#node;
    if (this.#damaged?.engine !== engine) {
      this.#damaged = { engine, shards: new Set(), sinceMs: Math.floor(seams.clock.nowMs()) };
    }
    const { shards } = this.#damaged;
    if (shards.has(shard)) return;
    shards.add(shard);
    const name = JSON.stringify(key.toString('latin1').slice(0, SHOWN_CHARACTERS));
    events.log.error(
      `the memory of shard ${shard} is damaged: the record of key ${name} is not what was written to it; ` +
        'test the memory of this machine',
    );
    if (following !== undefined) following.divergence.damaged(engine, shard);
    else {
      metrics.divergences += 1;
      events.emit('diverged', { shards: [shard], action: 'log' });
    }
  }
}
