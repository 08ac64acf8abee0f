/** A primary without ports whose data directory is on a disk of the test's. */
import { systemSeams, type Timers } from '../../src/clock.js';
import { DataDirectory, type DataRules } from '../../src/data/data-directory.js';
import type { DataFiles } from '../../src/data/data-files.js';
import type { FsyncPolicy } from '../../src/data/journal.js';
import { lockData, type OpenedData, openData } from '../../src/data/open-data.js';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import type { RouteMode } from '../../src/engine/types.js';
import { type History, newHistory } from '../../src/replication/history.js';
import type { Log } from '../../src/replication/log.js';
import { ReplicationMetrics } from '../../src/replication/metrics.js';
import { Carousels } from '../../src/replication/primary/carousel.js';
import { promotedHistory } from '../../src/replication/relay/promotion.js';
import { Publisher } from '../../src/replication/stream/publisher.js';
import { newEngine } from './engines.js';

export interface DataNodeOptions {
  files: DataFiles;
  fsync?: FsyncPolicy;
  segmentBytes?: number;
  backlogBytes?: number;
  rules?: DataRules;
  /** How keys are routed. */
  route?: RouteMode;
}

export class DataNode {
  readonly engine: ShardEngine;
  readonly publisher: Publisher;
  readonly data: DataDirectory;
  readonly opened: OpenedData;
  readonly log: string[] = [];
  /** The lines of the log that are warnings, or worse. */
  readonly warnings: string[] = [];
  #isKilled = false;

  static async start(options: DataNodeOptions): Promise<DataNode> {
    const { files, route = 'full-key' } = options;
    const lock = await lockData(files);
    const createStore = (shards: number) => {
      const engine = newEngine({ shards, route });
      engine.setReplica(true);
      return engine;
    };
    try {
      const opened = await openData({ files, createStore, onRead() {} });
      return new DataNode(options, lock, opened);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  private constructor(
    {
      files,
      fsync = 'always',
      segmentBytes = 4_096,
      backlogBytes = 1_048_576,
      rules,
      route,
    }: DataNodeOptions,
    lock: Awaited<ReturnType<typeof lockData>>,
    opened: OpenedData,
  ) {
    this.opened = opened;
    const { content, isClean, keeper } = opened;
    this.engine = content?.store ?? newEngine({ route: route ?? 'full-key' });
    this.engine.setReplica(false);
    const history = historyOf(content?.history, isClean, this.engine);
    if (!isClean) this.engine.setWatermarks(this.engine.watermarks().map(() => history.base));
    const metrics = new ReplicationMetrics();
    const encoding = {};
    const info = (message: string) => void this.log.push(message);
    const warn = (message: string) => {
      info(message);
      this.warnings.push(message);
    };
    const log: Log = { info, warn, error: warn };
    const { clock, timers } = systemSeams;
    // Timers that hurry: each second takes a millisecond.
    const hasty: Timers = {
      after: (delayMs, run) =>
        timers.after(delayMs / 1_000, () => {
          if (!this.#isKilled) run();
        }),
      endOfTurn: (run) => timers.endOfTurn(run),
    };
    this.publisher = new Publisher({
      store: this.engine,
      history,
      clock,
      timers,
      metrics,
      log,
      sendPolicy: 'adaptive',
      batchMaxDelayUs: 750,
      nodeId: '0123456789abcdef',
      backlogBytes,
      encoding,
    });
    const carousels = new Carousels({ clock, timers: hasty, metrics, snapshotChunkBytes: 4_096, encoding });
    this.data = new DataDirectory(
      {
        files,
        clock,
        timers: hasty,
        log,
        fsync,
        segmentBytes,
        ...(rules !== undefined && { rules: () => rules }),
        stream: () => this.publisher,
        carousel: (stream) => carousels.of(stream),
      },
      lock,
      keeper,
    );
    this.data.follow(this.publisher, content !== undefined);
  }

  /** Writes, and resolves with whether it is on the disk. */
  set(key: string, value: string): Promise<boolean> {
    this.engine.set(key, value);
    this.publisher.flush();
    this.publisher.endTurn();
    return new Promise((resolve) => this.data.whenSynced(resolve));
  }

  /** It does nothing more by itself: to be called before its disk loses what was not synced. */
  kill(): void {
    this.#isKilled = true;
  }

  async stop(): Promise<void> {
    this.publisher.flush();
    await this.data.anchor();
    this.publisher.close();
    await this.data.close(true);
  }
}

function historyOf(held: History | undefined, isClean: boolean, engine: ShardEngine): History {
  if (held === undefined) return newHistory(systemSeams, 'clock');
  return isClean ? held : promotedHistory(systemSeams, held, engine.watermarks());
}
