/** CLIENT TRACKING for hosts of commands without a server: turns end when a test says so. */
import { systemTimers } from '../../src/clock.js';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import { Tracking } from '../../src/resp/tracking/tracking.js';

export function newTracking(engine: () => ShardEngine): Tracking {
  return new Tracking({ engine, timers: systemTimers, keysMax: () => 0, planEndOfTurn() {} });
}
