/** CLIENT TRACKING for hosts of commands without a server: turns end when a test says so. */
import { systemTimers } from '../../src/clock.js';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import { Tracking } from '../../src/resp/tracking/tracking.js';
import { newSettings } from './settings.js';

export function newTracking(engine: () => ShardEngine): Tracking {
  return new Tracking({ engine, timers: systemTimers, settings: newSettings(), planEndOfTurn() {} });
}
