/** A replica's report that its content differs from its primary's digests (docs/protocol.md, "Digests"). */
import type { Clock } from '../../clock.js';
import { FastcacheError } from '../../errors.js';
import { decodeDigests } from '../../frame/digests.js';
import type { Log } from '../log.js';
import type { ReplicationMetrics } from '../metrics.js';

/** The shards of a replica that hold something else than its primary's. */
export interface Divergence {
  readonly shards: readonly number[];
  /** Unix ms by the clock of the node that reports it: when it was found, or when its report came. */
  readonly sinceMs: number;
}

/** The divergence of one replica, as it reports it. */
export class ReplicaDivergence {
  readonly #options: { clock: Clock; log: Log; metrics: ReplicationMetrics };
  #state: Divergence | undefined;

  constructor(options: { clock: Clock; log: Log; metrics: ReplicationMetrics }) {
    this.#options = options;
  }

  /** The shards that differ; undefined while none is known to. */
  get state(): Divergence | undefined {
    return this.#state;
  }

  /**
   * Reads a Digests frame of the replica that logs name `replica`; returns whether it asks for a snapshot.
   * Throws FRAME_OUT_OF_PLACE for what a replica does not send, and `FCRP_*`.
   */
  heard(payload: Uint8Array, replica: string): boolean {
    const { says, shards } = decodeDigests(payload);
    if (says !== 'differs' && says !== 'asks') {
      const message = `A replica sent digests of the sort ${says}, which are a primary's to send.`;
      throw new FastcacheError('FRAME_OUT_OF_PLACE', message, { expected: 'differs', found: says });
    }
    const { clock, log, metrics } = this.#options;
    if (shards.length === 0) {
      if (this.#state !== undefined) log.info(`replica ${replica} holds what this node has again`);
      this.#state = undefined;
      return false;
    }
    if (this.#state === undefined) metrics.divergences += 1;
    const named = shards.map(({ shard }) => shard);
    this.#state = { shards: named, sinceMs: this.#state?.sinceMs ?? Math.floor(clock.nowMs()) };
    log.error(
      `replica ${replica} holds something else than this node has said, in shards ${named.join(', ')}` +
        (says === 'asks' ? '; it asks for a snapshot' : ''),
    );
    return says === 'asks';
  }
}
