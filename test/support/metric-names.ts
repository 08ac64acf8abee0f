/** The names of all metrics, and those that queries ask for. */
import { durationFamilies } from '../../src/status/metrics/duration-families.js';
import { replicationFamilies } from '../../src/status/metrics/replication-families.js';
import { serverFamilies } from '../../src/status/metrics/server-families.js';

/** Returns every metric that a server may have. */
export function metricNames(): string[] {
  return [...serverFamilies, ...replicationFamilies, ...durationFamilies].map(({ name }) => name);
}

/** Returns the metrics that the queries ask for, without the endings of a histogram's series. */
export function metricsIn(queries: readonly string[]): Set<string> {
  const names = queries.flatMap((query) => query.match(/\b(fastcache|process)_\w+/g) ?? []);
  return new Set(names.map((name) => name.replace(/_seconds_(bucket|sum|count)$/, '_seconds')));
}
