/** `watermarks`: asks primaries and reads dumps, and writes what they told as tables or as one JSON document. */
import type { Timers } from '../clock.js';
import { FastcacheError } from '../errors.js';
import { DEFAULT_CONNECT_TIMEOUT_MS } from '../limits.js';
import { probePrimary } from '../replication/probe.js';
import {
  type EndpointWatermarks,
  endpointJson,
  historyInMargin,
  type SilentEndpoint,
} from '../status/watermarks.js';
import { formatAddress, parseAddress } from '../transport/address.js';
import type { Transport } from '../transport/connection.js';
import { dumpName } from './dump-reader.js';
import { dumpWatermarks } from './dump-watermarks.js';
import { toJson } from './json.js';
import type { Output } from './output.js';
import { parseHostPort } from './values.js';
import { watermarksText } from './watermarks-text.js';

export interface WatermarksOptions {
  /** FCRP addresses and dump files. */
  endpoints: readonly string[];
  token: string | undefined;
  transport: Transport;
  timers: Timers;
  json: boolean;
  output: Output;
  /** Tells an endpoint's fault and returns its exit status. */
  report(fault: FastcacheError): Promise<number>;
}

/** Resolves with the exit status: that of the first fault, 0 when there was none. */
export async function showWatermarks(options: WatermarksOptions): Promise<number> {
  const { endpoints, json, output, report } = options;
  const answers = await Promise.all(endpoints.map((endpoint) => askEndpoint(endpoint, options)));
  if (json) await output.line(toJson({ endpoints: answers.map(endpointJson) }));
  let status = 0;
  for (const answer of answers) {
    if ('fault' in answer) {
      const faultStatus = await report(answer.fault);
      status ||= faultStatus;
    } else if (!json) {
      await output.write(watermarksText(answer));
    }
  }
  return status;
}

async function askEndpoint(
  endpoint: string,
  options: WatermarksOptions,
): Promise<EndpointWatermarks | SilentEndpoint> {
  try {
    return isAddress(endpoint) ? await askPrimary(endpoint, options) : await dumpWatermarks(endpoint);
  } catch (fault) {
    if (!(fault instanceof FastcacheError)) throw fault;
    return { endpoint: dumpName(endpoint), fault };
  }
}

async function askPrimary(
  endpoint: string,
  { transport, timers, token }: WatermarksOptions,
): Promise<EndpointWatermarks> {
  const address = parseAddress(parseHostPort(endpoint));
  const connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS;
  const { watermarks, margin } = await probePrimary(address, { transport, timers, connectTimeoutMs, token });
  return { endpoint: formatAddress(address), role: 'primary', ...historyInMargin(margin), watermarks };
}

/** What ends in a port and holds no slash; a dump of such a name can be given as `./name:1`. */
export function isAddress(endpoint: string): boolean {
  return /^[^/\\]*:\d+$/.test(endpoint);
}
