/**
 * The real store, which tells the oracle when it has changed, and shows what is hidden because it has
 * expired.
 */
import type { Clock } from '../../../src/clock.js';
import type { ShardEngineOptions } from '../../../src/engine/engine-options.js';
import { ShardEngine } from '../../../src/engine/shard-engine.js';
import type { ApplyResult, SnapshotScan } from '../../../src/engine/types.js';

const MEMORY_BYTES = 64 * 1024 * 1024;

export class ObservedEngine extends ShardEngine {
  /** Something has been applied or loaded since this was last set to false. */
  isChanged = true;
  /** Scans that were begun and not closed. */
  openScans = 0;
  readonly #clock: PeekingClock;

  constructor(options: ShardEngineOptions) {
    const clock = new PeekingClock(options.clock);
    super({ ...options, clock, maxMemoryBytes: MEMORY_BYTES });
    this.#clock = clock;
  }

  override apply(payload: Uint8Array): ApplyResult {
    const before = this.#sumOfWatermarks();
    const result = super.apply(payload);
    const risen = this.#sumOfWatermarks() - before;
    if (risen !== BigInt(result.applied)) {
      throw new Error(`${result.applied} records were applied, and the watermarks rose by ${risen}`);
    }
    this.isChanged = true;
    return result;
  }

  override loadChunk(payload: Uint8Array): number {
    this.isChanged = true;
    return super.loadChunk(payload);
  }

  override setWatermarks(watermarks: readonly bigint[]): void {
    this.isChanged = true;
    super.setWatermarks(watermarks);
  }

  override scan(): SnapshotScan {
    const scan = super.scan();
    const close = scan.close.bind(scan);
    this.openScans += 1;
    scan.close = () => {
      this.openScans -= 1;
      close();
    };
    return scan;
  }

  /** Value and expiry of a key that a replica's store holds, were it long expired. */
  peek(key: Uint8Array): { value: Buffer; expireAtMs: bigint } | undefined {
    this.#clock.isPeeking = true;
    const value = this.get(key);
    const expireAtMs = this.expiryOf(key);
    this.#clock.isPeeking = false;
    this.updateTime();
    return value === undefined || expireAtMs === undefined ? undefined : { value, expireAtMs };
  }

  #sumOfWatermarks(): bigint {
    return this.watermarks().reduce((sum, watermark) => sum + watermark, 0n);
  }
}

/** While it peeks it shows the beginning of time, at which nothing has expired. */
class PeekingClock implements Clock {
  isPeeking = false;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  nowMs(): number {
    return this.isPeeking ? 0 : this.#clock.nowMs();
  }

  monotonicUs(): number {
    return this.#clock.monotonicUs();
  }
}
