/**
 * How a replica says in its Hello that it takes digests (docs/protocol.md, "Margin"), or a dump that it has
 * some, and by what keys are routed there: the digest of a shard can be compared only where it has the same
 * keys.
 */
import type { RouteMode } from '../../engine/types.js';
import type { Margin } from '../../frame/margin.js';

/** Makes the pair in the margin of a replica or a dump that does. */
export function digestsPair(route: RouteMode): [string, string] {
  return ['digests', route];
}

/** Whether the replica of this margin takes digests of keys that are routed so. */
export function takesDigests(margin: Margin | undefined, route: RouteMode): boolean {
  return margin?.get('digests') === route;
}

/**
 * Returns how keys are routed where the digests of a dump with this margin were made; undefined: it has none.
 */
export function routeOfDigests(margin: Margin | undefined): RouteMode | undefined {
  const route = margin?.get('digests');
  return route === 'full-key' || route === 'session-prefix' ? route : undefined;
}
