/**
 * Renders the metrics as Prometheus' text, by prom-client: they are read from the model whenever they are
 * asked for, and kept nowhere.
 */
import { Counter, Gauge, Histogram, type MetricValueWithName, Registry } from 'prom-client';
import { callsBelow, latencySum, totalOf } from '../../resp/latencies.js';
import { durationFamilies } from './duration-families.js';
import type { Durations, HistogramFamily, MetricFamily, MetricsModel, Sample } from './metric-family.js';
import { replicationFamilies } from './replication-families.js';
import { serverFamilies } from './server-families.js';

const NS_PER_SECOND = 1e9;
const US_PER_SECOND = 1e6;

/** An answer to a scrape. */
export interface MetricsText {
  contentType: string;
  body: string;
}

/** Returns a function that writes one scrape. */
export function prometheusText(model: () => MetricsModel): () => Promise<MetricsText> {
  const registry = new Registry();
  let scraped: MetricsModel | undefined;
  const present = () => (scraped ??= model());
  for (const family of [...serverFamilies, ...replicationFamilies]) register(registry, family, present);
  for (const family of durationFamilies) registry.registerMetric(new ReadHistogram(family, present));
  return async () => {
    // All metrics of a scrape are of one moment.
    scraped = undefined;
    return { contentType: registry.contentType, body: await registry.metrics() };
  };
}

function register(registry: Registry, family: MetricFamily, model: () => MetricsModel): void {
  const { name, help, type, labels: labelNames = [], read } = family;
  const options = { name, help, labelNames, registers: [registry] };
  if (type === 'counter') {
    const counter = new Counter({
      ...options,
      collect: () => {
        // prom-client can only raise its counters; fastcache counts elsewhere and replaces their values.
        clear(counter, labelNames);
        for (const { labels, value } of samples(read(model()))) counter.inc(labels, value);
      },
    });
    return;
  }
  const gauge = new Gauge({
    ...options,
    collect: () => {
      clear(gauge, labelNames);
      for (const { labels, value } of samples(read(model()))) gauge.set(labels, value);
    },
  });
}

/** Clears a metric, for `reset` would leave one without labels at 0, which may be untrue. */
function clear(metric: Counter | Gauge, labelNames: readonly string[]): void {
  if (labelNames.length === 0) metric.remove();
  else metric.reset();
}

function samples(read: ReturnType<MetricFamily['read']>): readonly Sample[] {
  if (typeof read === 'number') return [{ labels: {}, value: read }];
  return read ?? [];
}

/** A histogram that is read from the model; prom-client's own can only be added to, call by call. */
class ReadHistogram extends Histogram {
  readonly #family: HistogramFamily;
  readonly #model: () => MetricsModel;

  constructor(family: HistogramFamily, model: () => MetricsModel) {
    const { name, help, labels: labelNames = [] } = family;
    super({ name, help, labelNames, registers: [] });
    this.#family = family;
    this.#model = model;
  }

  /** Returns the samples; prom-client calls it for the text, and its types do not know it. */
  async getForPromString() {
    const { name, help, type, read } = this.#family;
    return { name, help, type, values: read(this.#model()).flatMap((each) => samplesOf(name, each)) };
  }
}

function samplesOf(name: string, { labels, counts }: Durations): MetricValueWithName<string>[] {
  const bucket = (le: number | string, calls: number) => ({
    metricName: `${name}_bucket`,
    labels: { ...labels, le },
    value: calls,
  });
  const calls = totalOf(counts);
  // The last power also has what took longer.
  const below = callsBelow(counts).slice(0, -1);
  return [
    ...below.map(([ns, fewer]) => bucket(ns / NS_PER_SECOND, fewer)),
    bucket('+Inf', calls),
    { metricName: `${name}_sum`, labels: { ...labels }, value: latencySum(counts) / US_PER_SECOND },
    { metricName: `${name}_count`, labels: { ...labels }, value: calls },
  ];
}
