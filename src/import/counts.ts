/** Counts the keys and commands that an import has sent and those that it has left out, in bounded memory. */

/** The most names of commands and texts of refusals that are counted apart; the rest is counted together. */
const NAMES_MAX = 100;
const REST = 'others';

/** The counts of an import so far. */
export interface ImportCounts {
  /** Keys that RDB files have brought. */
  loaded: number;
  /** Commands of the stream that were sent to the target. */
  commands: number;
  /** Keys of other types in RDB files, and in other databases. */
  types: Map<string, number>;
  databases: Map<string, number>;
  /** Commands of the stream about other types or databases, by name. */
  foreign: Map<string, number>;
  /** The commands that the target has refused, counted by its words. */
  refused: Map<string, number>;
  /** How often all content was taken, and how often a lost link was continued. */
  fullSyncs: number;
  partialSyncs: number;
}

/** The counts at the beginning. */
export function noCounts(): ImportCounts {
  return {
    loaded: 0,
    commands: 0,
    types: new Map(),
    databases: new Map(),
    foreign: new Map(),
    refused: new Map(),
    fullSyncs: 0,
    partialSyncs: 0,
  };
}

/** Counts `more` of `name`. */
export function countOf(counts: Map<string, number>, name: string, more = 1): void {
  const counted = counts.has(name) || counts.size < NAMES_MAX ? name : REST;
  counts.set(counted, (counts.get(counted) ?? 0) + more);
}
