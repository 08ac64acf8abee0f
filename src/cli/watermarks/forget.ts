/** `watermarks --forget`: has servers list replicas no longer that have left. */
import type { FastcacheError } from '../../errors.js';
import { escapeText } from '../terminal/escape.js';
import { toJson } from '../terminal/json.js';
import type { Output } from '../terminal/output.js';
import { countText } from '../terminal/text.js';
import type { Endpoint } from './endpoint.js';

/** The replica to forget, the servers that list it, and the output. */
export interface ForgetOptions {
  endpoints: readonly Endpoint[];
  /** `gone`, or the name or address of a replica as it is listed. */
  which: string;
  json: boolean;
  output: Output;
  /** Reports the fault of an endpoint and returns its exit status. */
  report(fault: FastcacheError): Promise<number>;
}

/**
 * Resolves with the exit status: that of the first fault; 1 when the one replica that is named is listed
 * nowhere as gone.
 */
export async function forgetReplicas(options: ForgetOptions): Promise<number> {
  const { endpoints, which, json, output, report } = options;
  const answers = await Promise.all(endpoints.map((endpoint) => endpoint.forget(which)));
  let status = 0;
  let total = 0;
  const documents: object[] = [];
  for (const answer of answers) {
    if ('fault' in answer) {
      const { code, message } = answer.fault;
      documents.push({ endpoint: answer.endpoint, error: { code, message } });
      const faultStatus = await report(answer.fault);
      status ||= faultStatus;
      continue;
    }
    const { endpoint, forgotten } = answer;
    documents.push({ endpoint, forgotten });
    total += forgotten;
    if (!json) {
      const text = countText(forgotten, 'replica', 'replicas');
      await output.line(
        escapeText(`${endpoint}: ${text} that had left ${forgotten === 1 ? 'is' : 'are'} forgotten`),
      );
    }
  }
  if (json) await output.line(toJson({ endpoints: documents }));
  return status || (which !== 'gone' && total === 0 ? 1 : 0);
}
