/** Decides whether a server should be sent clients, for `/readyz`. */
import type { LinkReport, NodeReport } from '../report.js';

/** The outcome: whether a server is ready, and why not. */
export interface Readiness {
  isReady: boolean;
  /** The reason, one line. */
  reason: string;
}

/**
 * Returns that a primary is ready as long as it serves, is not loading, has not lost its data and can keep
 * it; neither is one that is known to hold something else than it should. A replica is ready when its first
 * content is whole and its link is live, and with `maxLagMs` when it is known to lag by that much at most
 * (replication/link-lag.ts says what the lag is).
 */
export function readiness(report: NodeReport, maxLagMs: number | undefined): Readiness {
  const reason = reasonOf(report, maxLagMs);
  const { diskFault, isUnkept } = report;
  const warning = isUnkept === true ? `, but nothing is kept: ${diskFault}` : '';
  return reason === undefined
    ? { isReady: true, reason: `ready${warning}` }
    : { isReady: false, reason: `not ready: ${reason}` };
}

function reasonOf(report: NodeReport, maxLagMs: number | undefined): string | undefined {
  const { link, lacksData, loading, diverges } = report;
  if (loading !== undefined)
    return `it loads its content (${loading.bytes} of ${loading.totalBytes || '?'} bytes)`;
  if (lacksData) return NO_DATA;
  if (diverges !== undefined)
    return `its content is not what it should be (shards ${diverges.shards.join(', ')})`;
  return link === undefined ? diskReason(report) : whyNot(link, maxLagMs);
}

function diskReason({ diskFault, isUnkept }: NodeReport): string | undefined {
  return isUnkept === true ? undefined : diskFault && `the data directory cannot be written (${diskFault})`;
}

const NO_DATA = 'it was primary before and has come back without its data';

function whyNot(
  { hasContent, refusal, state, lagMs }: LinkReport,
  maxLagMs: number | undefined,
): string | undefined {
  if (refusal === 'out-of-memory') return 'the primary has more than this replica can hold';
  if (!hasContent) return `no content is whole yet (${state})`;
  if (refusal !== undefined) return `the content of the primary is refused (${refusal})`;
  if (state !== 'live') return `the link to the primary is not live (${state})`;
  if (maxLagMs === undefined) return undefined;
  if (lagMs === undefined) return 'how far it lags is not known yet';
  return lagMs > maxLagMs ? `it lags by ${lagMs} ms, ${maxLagMs} ms are allowed` : undefined;
}
