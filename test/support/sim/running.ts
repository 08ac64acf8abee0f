/** The parts of a server's process in a simulation, and its conditions, which hold whatever happens. */
import type { Node } from '../../../src/server/node.js';
import type { VirtualProcess } from '../virtual-process.js';
import type { Configuration, Outcome } from './configuration.js';
import type { ObservedEngine } from './observed-engine.js';

/** Frames of a bootstrap that may wait in a queue that is full of live ones. */
const INSERTED_FRAMES_MAX = 3;

/** All is lost when the process is killed. */
export interface Running {
  process: VirtualProcess;
  /** Undefined until it serves. */
  node: Node | undefined;
  /** All that it ever had. */
  stores: ObservedEngine[];
  isStopping: boolean;
  isClosed: boolean;
}

/**
 * Throws when more is kept or waits than was allowed, and when something does not hold that always should.
 */
export function checkBounds({ node }: Running, { backlogBytes, subscriberQueueFrames }: Configuration): void {
  if (node === undefined) return;
  const { following, stream, metrics, listener } = node;
  following?.follower.invariants();
  const bytes = stream?.backlog.windows().reduce((sum, window) => sum + window.bytes, 0) ?? 0;
  if (bytes > backlogBytes) throw new Error(`a backlog of ${bytes} bytes is over its limit`);
  if (metrics.divergences > 0) throw new Error('a divergence was found where there can be none');
  if (metrics.queueDepth === 0) return;
  const replicas = listener?.replicas().length ?? 0;
  // A replica that is behind within the backlog costs nothing, and has no other bound.
  const kept = stream?.backlog.windows().reduce((sum, window) => sum + window.frames, 0) ?? 0;
  const most = Math.max(subscriberQueueFrames, kept) + INSERTED_FRAMES_MAX;
  if (metrics.queueDepth > replicas * most) {
    throw new Error(`${metrics.queueDepth} frames wait, which is over the limit`);
  }
}

/** Returns the resources that are left behind a stop; empty: none. */
export function leftoversOf({ process, stores, node }: Running): string[] {
  const found = (name: string, count = 0) => (count === 0 ? [] : [`${count} ${name}`]);
  return [
    ...found('timers', process.timers),
    ...found('sockets', process.sockets.size),
    ...found(
      'scans',
      stores.reduce((sum, { openScans }) => sum + openScans, 0),
    ),
    ...found('sessions', node?.listener?.replicas().length),
    ...found('unauthenticated connections', node?.listener?.unauthenticatedConnections),
    ...found('queued frames', node?.metrics.queueDepth),
  ];
}

/** Returns its outcomes, as far as its counters show them. */
export function outcomesOf({ node, stores }: Running): Outcome[] {
  if (node === undefined) return [];
  const { metrics, isReplica: isRelay } = node;
  const outcomes: [number, Outcome][] = [
    [metrics.catchUpSnapshotCount, isRelay ? 'snapshot of a relay' : 'snapshot'],
    [metrics.catchUpBacklogCount, isRelay ? 'backlog of a relay' : 'backlog'],
    [metrics.backpressureEvents, 'queue overflow'],
    [stores.reduce((sum, store) => sum + store.evictedCount(), 0), 'eviction'],
  ];
  return outcomes.filter(([count]) => count > 0).map(([, outcome]) => outcome);
}
