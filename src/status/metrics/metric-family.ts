/**
 * The shape in which metrics are declared: each a name, a text, and the reading of its value from the model.
 */
import type { MetricsSnapshot } from '../../replication/metrics.js';
import type { NodeReport } from '../report.js';
import type { ServerStatus } from '../status-facts.js';

/** The model that one scrape reads from a server. */
export interface MetricsModel {
  readonly status: ServerStatus;
  readonly replication: MetricsSnapshot;
  readonly node: NodeReport;
}

/** The names and values of a sample's labels. */
export type Labels = Readonly<Record<string, string>>;

/** A sample with labels; a metric without labels has its value alone. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/**
 * A metric's declaration. Its name has base units (`_seconds`, `_bytes`), `_total` for counters and for
 * nothing else.
 */
export interface MetricFamily {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  /** The names of the labels; none when absent. */
  readonly labels?: readonly string[];
  /** Returns the value; undefined: the metric has no meaning for this server, and is left out. */
  read(model: MetricsModel): number | undefined | readonly Sample[];
}

/** Returns one sample for each of `states`, 1 for the present one. */
export function stateSamples(states: readonly string[], state: string): Sample[] {
  return states.map((name) => ({ labels: { state: name }, value: name === state ? 1 : 0 }));
}
