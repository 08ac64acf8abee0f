import type { PauseScope } from './client-pause.js';
import type { Durability } from './durability.js';

/** The circumstances that may keep commands from running at present, apart from the client's own state. */
export interface Situation {
  /** There is no content to read yet. */
  readonly isLoading: boolean;
  /** The link to the primary is down, and stale content must not be read. */
  readonly isStale: boolean;
  /** Too few good replicas are connected for writes. */
  readonly lacksReplicas: boolean;
  /** Why writes are refused that the disk could not keep; undefined: they are not. */
  readonly diskFault: string | undefined;
  /** Whether writes are refused as on a replica. */
  readonly isReadOnly: boolean;
  /** Which commands a pause postpones; undefined without a pause. */
  readonly paused: PauseScope | undefined;
}

/** The part of the situation that the server does not know by itself. */
export type OuterSituation = Omit<Situation, 'paused' | 'diskFault'>;

/** Where the situation is read. */
export interface SituationSources {
  readonly situation: OuterSituation;
  readonly durability: Pick<Durability, 'fault' | 'onFault'>;
}

/** Makes the situation, which is read before every run of commands and is one object for good. */
export function situationOf(
  { situation: outer, durability }: SituationSources,
  paused: () => PauseScope | undefined,
): Situation {
  return {
    get isLoading() {
      return outer.isLoading;
    },
    get isStale() {
      return outer.isStale;
    },
    get lacksReplicas() {
      return outer.lacksReplicas;
    },
    get diskFault() {
      const { fault } = durability;
      if (fault === undefined) return undefined;
      const { onFault } = durability;
      return onFault === 'read-only' || onFault === 'continue' ? undefined : fault;
    },
    get isReadOnly() {
      return outer.isReadOnly || (durability.fault !== undefined && durability.onFault === 'read-only');
    },
    get paused() {
      return paused();
    },
  };
}
