/** Has replicas of this server follow another primary by REPLICAOF, as Sentinel does behind its failovers. */
import { FastcacheError } from '../errors.js';
import { RedisSession } from '../redis-client/session.js';
import { hostOf, parseAddress } from '../transport/address.js';
import type { NodeParts } from './parts.js';

/** The server whose replicas they are; it presents its own password to them. */
export type RepointingNode = Pick<NodeParts, 'config' | 'seams' | 'events' | 'settings'>;

/** Asks the servers at `places` to follow the one at `primary`, all `host:port`; failures are logged. */
export async function repoint(
  places: readonly string[],
  primary: string,
  node: RepointingNode,
): Promise<void> {
  await Promise.all(
    places.map((place) =>
      askToFollow(place, primary, node).catch((error: unknown) => {
        if (!(error instanceof FastcacheError)) throw error;
        node.events.log.warn(
          `replica ${place} follows this server still, and not ${primary}; Sentinel will mend that, or you by ` +
            `REPLICAOF there: ${error.message}`,
        );
      }),
    ),
  );
}

async function askToFollow(place: string, primary: string, node: RepointingNode): Promise<void> {
  const { transport, timers } = node.seams;
  const session = new RedisSession({
    transport,
    timers,
    address: parseAddress(place),
    connectTimeoutMs: node.config.connectTimeoutMs,
    password: node.settings.password,
  });
  try {
    await session.open();
    await session.ask('REPLICAOF', hostOf(primary), String(parseAddress(primary).port));
  } finally {
    session.close();
  }
}
