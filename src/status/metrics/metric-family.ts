/** The shape in which metrics are declared: each a name, a text, and how it is read off the model. */
import type { MetricsSnapshot } from '../../replication/metrics.js';
import type { ServerStatus } from '../info.js';
import type { RoleFigures } from '../role-figures.js';

/** All that is told of a server in one scrape. */
export interface MetricsModel {
  readonly status: ServerStatus;
  readonly replication: MetricsSnapshot;
  readonly role: RoleFigures;
}

export type Labels = Readonly<Record<string, string>>;

/** With labels; without, the value alone stands for it. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** Base units in the name (`_seconds`, `_bytes`), `_total` for counters and for nothing else. */
export interface MetricFamily {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  /** Names of the labels, none by default. */
  readonly labels?: readonly string[];
  /** Undefined: not told, for it means nothing here. */
  read(model: MetricsModel): number | undefined | readonly Sample[];
}

/** One sample for each of `states`, 1 of the one that holds. */
export function stateSamples(states: readonly string[], state: string): Sample[] {
  return states.map((name) => ({ labels: { state: name }, value: name === state ? 1 : 0 }));
}
