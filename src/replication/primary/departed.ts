/**
 * Remembers replicas that left, and how they were then, because an operator looks for them after the fact.
 */
import type { Clock } from '../../clock.js';
import { hostOf } from '../../transport/address.js';
import { hasReached } from '../watermarks.js';
import type { Claim, ReplicaInfo } from './replica-info.js';

/** A replica that left is listed for so long. */
const KEPT_MS = 3_600_000;
/** The most replicas that are listed: those that come and go without end must not fill the memory. */
const KEPT_MAX = 64;
/** The name that is asked for to forget all of them. */
const ALL_GONE = 'gone';

interface Departed {
  readonly info: ReplicaInfo;
  readonly leftAtUs: number;
}

/** The list of the replicas that left and are not back. */
export class DepartedReplicas {
  readonly #clock: Clock;
  /** The replicas, in the order in which they left. */
  #departed: Departed[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Lists a replica that left; `info` is how it was then. */
  left(info: ReplicaInfo): void {
    this.#expire();
    this.#departed.push({ info, leftAtUs: this.#clock.monotonicUs() });
    if (this.#departed.length > KEPT_MAX) this.#departed.shift();
  }

  /**
   * The replica that makes `claim` has come. Returns how many ms ago it left; undefined: it was not listed.
   */
  returned(claim: Claim): number | undefined {
    this.#expire();
    const index = this.#departed.findLastIndex(({ info }) => isSameReplica(info, claim));
    const found = index === -1 ? undefined : this.#departed.splice(index, 1)[0];
    return found && Math.round((this.#clock.monotonicUs() - found.leftAtUs) / 1000);
  }

  /**
   * Lists those no longer that have the name `which`, left from that address, or announced it, or all with
   * `gone`. Returns them.
   */
  forget(which: string): ReplicaInfo[] {
    this.#expire();
    const isMeant = ({ info }: Departed) =>
      which === ALL_GONE || [info.name, info.address, info.announced].includes(which);
    const forgotten = this.#departed.filter(isMeant);
    this.#departed = this.#departed.filter((departed) => !isMeant(departed));
    return forgotten.map(({ info }) => info);
  }

  /** Returns those that left within the last hour and are not back, each with the state `gone`. */
  list(): ReplicaInfo[] {
    this.#expire();
    const nowUs = this.#clock.monotonicUs();
    return this.#departed.map(({ info, leftAtUs }) => {
      const sinceSeconds = Math.floor((nowUs - leftAtUs) / 1_000_000);
      const sinceAckSeconds = info.sinceAckSeconds + sinceSeconds;
      return {
        ...info,
        state: 'gone',
        snapshotPercent: undefined,
        sinceSeconds,
        sinceAckSeconds,
        sentBytesPerSecond: 0,
      };
    });
  }

  #expire(): void {
    const beforeUs = this.#clock.monotonicUs() - KEPT_MS * 1000;
    this.#departed = this.#departed.filter(({ leftAtUs }) => leftAtUs > beforeUs);
  }
}

/**
 * Returns whether the replica that makes `claim` can be the one that left. It is known by its id, where both
 * have one. Its port is another with each connection, so that otherwise it is known by its host, its history
 * and its watermarks: at or past those that it acknowledged, and not past those that it was sent.
 */
export function isSameReplica(left: ReplicaInfo, { address, history, nodeId, watermarks }: Claim): boolean {
  if (left.nodeId !== undefined && nodeId !== undefined) return left.nodeId === nodeId;
  return (
    watermarks.length > 0 &&
    hostOf(left.address) === hostOf(address) &&
    left.history === history &&
    hasReached(watermarks, left.acknowledged ?? []) &&
    hasReached(left.watermarks, watermarks)
  );
}
