/** How the kernel takes the commands of a client that tracks keys. */
import { MODE_OWN_CHANGES, MODE_TRACKER_SHIFT, MODE_TRACKING } from '../../kernel/layout.js';
import type { ClientTracking } from '../client-state.js';
import type { Protocol } from '../reply.js';

/** Returns whether a client tracks the keys that its next command reads. */
export function tracksReads({ isBroadcast, isOptIn, isOptOut, isCachingGiven }: ClientTracking): boolean {
  if (isBroadcast) return false;
  return isOptIn ? isCachingGiven : !(isOptOut && isCachingGiven);
}

/** Returns the bits of MODE_* with which its next commands are run. */
export function trackingMode(tracking: ClientTracking, protocol: Protocol): number {
  const { tracker, redirect, isBroadcast, isNoLoop } = tracking;
  const isOwnSent = protocol === 3 && redirect === undefined && !isBroadcast && !isNoLoop;
  return (
    (tracker << MODE_TRACKER_SHIFT) |
    (tracksReads(tracking) ? MODE_TRACKING : 0) |
    (isOwnSent ? MODE_OWN_CHANGES : 0)
  );
}
