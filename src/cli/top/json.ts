/** The last look of `top` as JSON: the figures and rates (docs/command-line.md, "top"). */
import { endpointJson } from '../../status/watermarks.js';
import type { EndpointHistory, Rates } from './history.js';

/** Returns the object of one look at all endpoints; `timeMs` is in Unix ms. */
export function topJson(histories: readonly EndpointHistory[], timeMs: number): Record<string, unknown> {
  return { timeMs, endpoints: histories.map(historyJson) };
}

function historyJson(history: EndpointHistory): Record<string, unknown> {
  const { last } = history;
  if (last === undefined) return {};
  if ('fault' in last) return endpointJson(last);
  return { ...endpointJson(last), server: last.status?.server ?? null, rates: ratesJson(history.rates()) };
}

function ratesJson(rates: Rates): Record<string, number | null> {
  const { reads, writes, records, wireBytes, busy, hits } = rates;
  const whole = (value: number | undefined) => (value === undefined ? null : Math.round(value));
  const share = (value: number | undefined) => (value === undefined ? null : Math.round(value * 1e4) / 1e4);
  return {
    readsPerSecond: whole(reads.at(-1)),
    writesPerSecond: whole(writes.at(-1)),
    recordsPerSecond: whole(records.at(-1)),
    wireBytesPerSecond: whole(wireBytes.at(-1)),
    eventLoopShare: share(busy.at(-1)),
    hitShare: share(hits.at(-1)),
  };
}
