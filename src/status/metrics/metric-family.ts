/** The shape in which metrics are declared: each a name, a text, and how it is read off the model. */
import type { MetricsSnapshot } from '../../replication/metrics.js';
import type { ServerStatus } from '../info.js';
import type { NodeReport } from '../report.js';

/** Everything that one scrape reads from a server. */
export interface MetricsModel {
  readonly status: ServerStatus;
  readonly replication: MetricsSnapshot;
  readonly node: NodeReport;
}

/** Names and values of a sample's labels. */
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
  /** Undefined: the metric has no meaning for this server, and is left out. */
  read(model: MetricsModel): number | undefined | readonly Sample[];
}

/** One sample for each of `states`, 1 of the one that holds. */
export function stateSamples(states: readonly string[], state: string): Sample[] {
  return states.map((name) => ({ labels: { state: name }, value: name === state ? 1 : 0 }));
}
