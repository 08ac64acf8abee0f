/**
 * How a primary that comes back with a directory takes in what replicas have more (docs/operations.md,
 * "Recovery"): before it leads it follows the furthest of them, so that what comes is applied, and written to
 * the directory, as a replica's is.
 */
import type { ShardEngine } from '../engine/shard-engine.js';
import { FastcacheError } from '../errors.js';
import { goesBackTo } from '../replication/history.js';
import { offsetIn } from '../replication/offset.js';
import type { Holding } from '../replication/replica/holding.js';
import { formatAddress } from '../transport/address.js';
import type { Address } from '../transport/connection.js';
import { askAll, type Candidate } from './candidates.js';
import type { EngineOrigin } from './engines.js';
import type { Events, NodeEvents } from './events.js';
import { Following } from './following.js';
import type { NodeParts } from './parts.js';
import { followInstead } from './recovery.js';

/** The nodes that have the content that this one lacks. */
export interface Lacking {
  /** Replicas that have more, the furthest first. */
  readonly ahead: readonly Address[];
  /** One of the nodes that is a primary already, to be followed; undefined: none is. */
  readonly primary: Address | undefined;
  readonly notes: readonly string[];
}

/** Asks the nodes of `recover` which of them have more than `content`. Throws PRIMARY_EXISTS. */
export async function findLacking({ config, seams }: EngineOrigin, content: Holding): Promise<Lacking> {
  const { transport, timers } = seams;
  const { connectTimeoutMs, token = config.password } = config;
  const answers = await askAll(config.recover, { transport, timers, connectTimeoutMs, token });
  const [primary] = answers.primaries;
  if (primary !== undefined) return { ahead: [], ...followInstead(primary, config.recoverOrFollow) };
  const ahead = answers.candidates.filter((candidate) => isAhead(candidate, content));
  const foreign = answers.candidates.filter(({ history }) => !goesBackTo(history, content.history?.id));
  const notes = [
    ...foreign.map(
      ({ address, history }) =>
        `${formatAddress(address)} holds the history ${history.id}, which does not go back to what ` +
        `${config.data} has, and keeps it`,
    ),
    ...(answers.faults.length === 0
      ? []
      : [`asked in vain: ${answers.faults.map(({ message }) => message).join(' ')}`]),
    ...(answers.candidates.length === 0
      ? [`nothing is taken back from replicas: what ${config.data} lost in a crash, if anything, is lost`]
      : []),
  ];
  return { ahead: ahead.map(({ address }) => address), primary: undefined, notes };
}

function isAhead({ history, watermarks }: Candidate, { history: own, store }: Holding): boolean {
  if (own === undefined || !goesBackTo(history, own.id)) return false;
  return history.id !== own.id || offsetIn(history, watermarks) > offsetIn(own, store.watermarks());
}

/** The node that is to lead. */
export interface CatchingUpNode extends NodeParts {
  readonly following: Following | undefined;
  readonly events: Events<NodeEvents>;
  readonly engine: ShardEngine;
}

/**
 * Has a node that follows the first of these replicas take in what it has, or else the next one, and lead.
 * Resolves with what an operator is to know; `take` gives the node another role.
 */
export async function catchUp(
  node: CatchingUpNode,
  ahead: readonly Address[],
  take: (following: Following) => void,
): Promise<string[]> {
  const notes: string[] = [];
  for (const address of ahead) {
    const following = new Following(node, address, node.following?.leave(), 'recovery');
    take(following);
    const fault = await outcome(following, node.events);
    // An operator has it follow another primary meanwhile.
    if (node.following !== following) return notes;
    const place = formatAddress(address);
    notes.push(
      fault === undefined
        ? `recovered what ${place} had more: there are ${node.engine.keyCount()} keys now`
        : `what ${place} has more was not recovered: ${fault.message}`,
    );
    if (fault === undefined) break;
  }
  node.promote();
  return notes;
}

/** Resolves once all is taken in, with undefined, or once that has failed, or another role has come. */
function outcome(following: Following, events: Events<NodeEvents>): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const done = (error?: Error) => {
      events.off('caught-up', caughtUp);
      events.off('lost', lost);
      events.off('stopped', lost);
      resolve(error);
    };
    const caughtUp = () => done();
    const lost = ({ error }: { error: Error | undefined }) =>
      done(error ?? new FastcacheError('CLOSED', 'It was closed.'));
    events.on('caught-up', caughtUp);
    events.on('lost', lost);
    events.on('stopped', lost);
    following.onLeave = () => done();
    following.start();
  });
}
