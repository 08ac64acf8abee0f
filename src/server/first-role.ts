/** The role that a node takes once it has what it starts with. */
import type { Address } from '../transport/connection.js';
import type { CatchingUpNode } from './catch-up.js';
import { Following } from './following.js';
import { type BeginningNode, beginsHistory } from './history-beginning.js';
import { Leading } from './leading.js';
import { Opening } from './opening.js';
import type { NodeParts } from './parts.js';
import type { Start } from './starting.js';

/** The node that has what it starts with. */
export interface LoadedNode extends NodeParts, Pick<BeginningNode, 'config'> {
  /** The primary that it is to follow; undefined: none. */
  readonly primary: Address | undefined;
  /** Its role while it loaded, if that is a replica's. */
  readonly following: Following | undefined;
}

/** Makes the role that a node has while it loads. */
export function firstPhase(node: NodeParts): Opening | Following {
  const { primary } = node.config;
  return primary === undefined ? new Opening(node) : new Following(node, primary, undefined, 'start');
}

/** Makes the role, and gives the node the store of `start`. */
export function firstRole(node: LoadedNode, start: Start): Leading | Following {
  const { config, engine, history, recovered, continued, lacking } = start;
  if (!config.freshHistory) node.settings.set([['fresh-history', Buffer.from('no')]]);
  if (engine !== node.engine) node.swap(engine);
  // A replica may have been made to follow another primary meanwhile.
  const primary = node.primary ?? config.primary ?? lacking[0];
  if (primary === undefined) return new Leading(node, continued ?? beginsHistory(node, recovered, history));
  const isRequested = node.following !== undefined && primary !== config.primary;
  node.following?.leave();
  const holding = node.outputs.holding ?? recovered;
  const following = new Following(node, primary, holding, isRequested ? 'request' : 'start');
  if (recovered !== undefined) node.relay?.swapped(recovered);
  return following;
}

/**
 * Has a node that is to lead take in what replicas have more, if any have. Resolves with what an operator is
 * to know; `take` gives the node another role.
 */
export async function takeInFirst(
  node: CatchingUpNode,
  { lacking }: Start,
  take: (following: Following) => void,
): Promise<string[]> {
  if (lacking.length === 0) return [];
  const { catchUp } = await import('./catch-up.js');
  return catchUp(node, lacking, take);
}
