import type { PauseScope } from './client-pause.js';

/** What may keep commands from running at present, apart from the client's own state. */
export interface Situation {
  /** There is no content to read yet. */
  readonly isLoading: boolean;
  /** The link to the primary is down, and stale content must not be read. */
  readonly isStale: boolean;
  /** Too few good replicas are connected for writes. */
  readonly lacksReplicas: boolean;
  /** Which commands a pause postpones; undefined without a pause. */
  readonly paused: PauseScope | undefined;
}

/** The part of the situation that the server does not know by itself. */
export type OuterSituation = Omit<Situation, 'paused'>;

/** Makes the situation, which is read before every run of commands and is one object for good. */
export function situationOf(outer: OuterSituation, paused: () => PauseScope | undefined): Situation {
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
    get paused() {
      return paused();
    },
  };
}
