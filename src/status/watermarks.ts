/** How far one endpoint is: the model behind `fastcache watermarks` (cli.md). */
import type { FastcacheError } from '../errors.js';
import type { Margin } from '../frame/margin.js';
import { readHistory } from '../replication/history.js';

export interface EndpointHistory {
  /** 32 hex digits; null where it is not told: by a Rust primary, and by a dump without an answer of ours in it. */
  history: string | null;
  /** The sequence before the history's first; null as `history`. */
  base: bigint | null;
}

export interface EndpointWatermarks extends EndpointHistory {
  /** The address that was asked, or the dump that was read. */
  endpoint: string;
  role: 'primary' | 'dump';
  /** Index = shard. */
  watermarks: bigint[];
}

/** An endpoint of which nothing could be learnt. */
export interface SilentEndpoint {
  endpoint: string;
  fault: FastcacheError;
}

const NOT_TOLD: EndpointHistory = { history: null, base: null };

/** The history that a primary's Hello tells in its margin (design.md, Histories). */
export function historyInMargin(margin: Margin | undefined): EndpointHistory {
  const history = readHistory(margin);
  return history === undefined ? NOT_TOLD : { history: history.id, base: history.base };
}

/** The JSON of cli.md, where `replicas` and `backlog` are empty and null for who does not tell of them. */
export function endpointJson(endpoint: EndpointWatermarks | SilentEndpoint): Record<string, unknown> {
  if ('fault' in endpoint) {
    const { code, message, offset } = endpoint.fault;
    return { endpoint: endpoint.endpoint, error: { code, message, offset } };
  }
  const { endpoint: name, role, history, base, watermarks } = endpoint;
  return { endpoint: name, role, history, base, watermarks, replicas: [], backlog: null };
}
