/**
 * The shape in which metrics are declared: each a name, a text, and the reading of its value from the model.
 */
import type { MetricsSnapshot } from '../../replication/metrics.js';
import type { LatencyCounts } from '../../resp/latencies.js';
import type { NodeReport } from '../report.js';
import type { ServerStatus } from '../status-facts.js';

/** The model that one scrape reads from a server. */
export interface MetricsModel {
  readonly status: ServerStatus;
  readonly replication: MetricsSnapshot;
  readonly node: NodeReport;
  /** The delays of the event loop, by the buckets of resp/latencies.ts. */
  readonly loopDelays: LatencyCounts;
}

/** The names and values of a sample's labels. */
export type Labels = Readonly<Record<string, string>>;

/** A sample with labels; a metric without labels has its value alone. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** Durations of one set of labels, by the buckets of resp/latencies.ts. */
export interface Durations {
  readonly labels: Labels;
  readonly counts: LatencyCounts;
}

/**
 * A metric's declaration. Its name has base units (`_seconds`, `_bytes`), `_total` for counters and for
 * nothing else.
 */
interface NamedFamily {
  readonly name: string;
  readonly help: string;
  /** The names of the labels; none when absent. */
  readonly labels?: readonly string[];
}

/** The declaration of a metric with one value for each set of labels. */
export interface MetricFamily extends NamedFamily {
  readonly type: 'counter' | 'gauge';
  /** Returns the value; undefined: the metric has no meaning for this server, and is left out. */
  read(model: MetricsModel): number | undefined | readonly Sample[];
}

/** The declaration of a metric of durations, in seconds. */
export interface HistogramFamily extends NamedFamily {
  readonly type: 'histogram';
  read(model: MetricsModel): readonly Durations[];
}

/** Returns one sample for each of `states`, 1 for the present one. */
export function stateSamples(states: readonly string[], state: string): Sample[] {
  return states.map((name) => ({ labels: { state: name }, value: name === state ? 1 : 0 }));
}
