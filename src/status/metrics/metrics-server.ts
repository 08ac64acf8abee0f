/**
 * The HTTP port of a server (docs/operations.md, "Metrics"), which Prometheus, load balancers and
 * orchestrators ask.
 */
import type { Address, Listener } from '../../transport/connection.js';
import {
  type HttpAnswer,
  type HttpRequest,
  type HttpsPort,
  listenHttp,
  plainText,
} from '../../transport/http.js';
import type { NodeReport } from '../report.js';
import type { MetricsModel } from './metric-family.js';
import { readiness } from './readiness.js';

/** The text of an exact number of milliseconds, up to some 30 years. */
const LAG = /^\d{1,12}$/;

/** The source of the answers, at the moment of the question. */
export interface MetricsSource {
  model(): MetricsModel;
  report(): NodeReport;
}

/**
 * - `/metrics`: Prometheus' text.
 * - `/healthz`: 200 as long as the process serves.
 * - `/readyz?max_lag_ms=N`: 200 or 503 with the reason (readiness.ts), 400 when N is no number.
 *
 * Throws `PORT_TAKEN` or `LISTEN_FAILED`.
 */
export async function startMetricsServer(
  address: Address,
  source: MetricsSource,
  https?: HttpsPort,
): Promise<Listener> {
  // The library of the metrics is loaded only where metrics are asked for.
  const { prometheusText } = await import('./prometheus.js');
  const metrics = prometheusText(() => source.model());
  const answer = async ({ path, query }: HttpRequest) => {
    switch (path) {
      case '/metrics':
        return { status: 200, ...(await metrics()) };
      case '/healthz':
        return plainText(200, 'ok');
      case '/readyz':
        return answerReady(query, source.report());
      default:
        return plainText(404, 'there are /metrics, /healthz and /readyz here');
    }
  };
  return listenHttp(address, answer, https);
}

function answerReady(query: HttpRequest['query'], report: NodeReport): HttpAnswer {
  const [limit, ...more] = query.getAll('max_lag_ms');
  if (more.length > 0 || (limit !== undefined && !LAG.test(limit))) {
    return plainText(400, 'max_lag_ms must be a whole number of milliseconds, given once');
  }
  const { isReady, reason } = readiness(report, limit === undefined ? undefined : Number(limit));
  return plainText(isReady ? 200 : 503, reason);
}
