/** Counts how often each node has come as a replica of late: one that comes again and again is in a loop. */
import type { Clock } from '../../clock.js';

/** A coming is counted for so long. */
const COUNTED_US = 60_000_000;
/** The most comings of a node, and the most nodes, that are remembered. */
const COMINGS_MAX = 100;
const NODES_MAX = 64;

/** The comings of the last minute, by the id of the node. */
export class Comings {
  readonly #clock: Clock;
  /** The times in monotonic microseconds; the node that came last is the last one. */
  readonly #byNode = new Map<string, number[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes that a node has come; `nodeId` is undefined of one that has no id. */
  note(nodeId: string | undefined): void {
    if (nodeId === undefined) return;
    const times = [...this.#recent(nodeId), this.#clock.monotonicUs()].slice(-COMINGS_MAX);
    this.#byNode.delete(nodeId);
    this.#byNode.set(nodeId, times);
    const [oldest] = this.#byNode.keys();
    if (this.#byNode.size > NODES_MAX) this.#byNode.delete(oldest!);
  }

  /** Returns how often the node has come within the last minute. */
  count(nodeId: string | undefined): number {
    return nodeId === undefined ? 0 : this.#recent(nodeId).length;
  }

  #recent(nodeId: string): number[] {
    const sinceUs = this.#clock.monotonicUs() - COUNTED_US;
    return (this.#byNode.get(nodeId) ?? []).filter((atUs) => atUs >= sinceUs);
  }
}
