/**
 * Renders the metrics as Prometheus' text, by prom-client: they are read from the model whenever they are
 * asked for, and kept nowhere.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import type { MetricFamily, MetricsModel, Sample } from './metric-family.js';
import { replicationFamilies } from './replication-families.js';
import { serverFamilies } from './server-families.js';

/** An answer to a scrape. */
export interface MetricsText {
  contentType: string;
  body: string;
}

/** Returns a function that writes one scrape. */
export function prometheusText(model: () => MetricsModel): () => Promise<MetricsText> {
  const registry = new Registry();
  let scraped: MetricsModel | undefined;
  for (const family of [...serverFamilies, ...replicationFamilies]) {
    register(registry, family, () => (scraped ??= model()));
  }
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
