/** A primary and followers of it, wired as the commands wire them, on `MapStore`s in a `VirtualWorld`. */
import { encodeFrame } from '../../src/frame/frame.js';
import { decodeHelloFrame } from '../../src/frame/hello.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { FrameSplitter, type SplitFrame } from '../../src/frame/splitter.js';
import { type History, newHistory, type SequenceBase } from '../../src/replication/history.js';
import { newNodeId } from '../../src/replication/link/path.js';
import type { Log } from '../../src/replication/log.js';
import { ReplicationMetrics } from '../../src/replication/metrics.js';
import { ReplicaListener, type ReplicaListenerOptions } from '../../src/replication/primary/listener.js';
import { Follower } from '../../src/replication/replica/follower.js';
import type { FollowerOptions } from '../../src/replication/replica/follower-options.js';
import { Publisher, type PublisherOptions } from '../../src/replication/stream/publisher.js';
import { parseAddress } from '../../src/transport/address.js';
import type { Connection } from '../../src/transport/connection.js';
import { makeTestStore, type TestStoreKind } from './kernel-store.js';
import type { MapStoreOptions, TestStore } from './map-store.js';
import type { VirtualTransport } from './virtual-transport.js';
import type { VirtualWorld } from './virtual-world.js';

export const PRIMARY_ADDRESS = '127.0.0.1:7631';

export class MemoryLog implements Log {
  readonly lines: string[] = [];
  info(message: string): void {
    this.lines.push(`info ${message}`);
  }
  warn(message: string): void {
    this.lines.push(`warn ${message}`);
  }
  error(message: string): void {
    this.lines.push(`error ${message}`);
  }
}

export interface VirtualPrimaryOptions {
  /** `map` when absent. */
  kind?: TestStoreKind;
  store?: Partial<MapStoreOptions>;
  publisher?: Partial<PublisherOptions>;
  listener?: Partial<ReplicaListenerOptions>;
  sequenceBase?: SequenceBase;
}

export interface VirtualPrimary {
  store: TestStore;
  publisher: Publisher;
  listener: ReplicaListener;
  metrics: ReplicationMetrics;
  history: History;
  log: MemoryLog;
  /** Content of `shard` when its watermark was `sequence`, for every sequence it ever had. */
  contentAt(shard: number, sequence: bigint): string[] | undefined;
  /** Call after each write: remembers what `contentAt` returns. */
  remember(): void;
  stop(): Promise<void>;
}

export async function startPrimary(
  world: VirtualWorld,
  transport: VirtualTransport,
  options: VirtualPrimaryOptions = {},
): Promise<VirtualPrimary> {
  const { clock, timers } = world.seams;
  const metrics = new ReplicationMetrics();
  const log = new MemoryLog();
  const history = newHistory(world.seams, options.sequenceBase ?? 'clock');
  const store = makeTestStore(options.kind ?? 'map', { shards: 4, clock, ...options.store });
  store.setWatermarks(new Array(store.shards).fill(history.base));
  const publisher = new Publisher({
    store,
    history,
    clock,
    timers,
    metrics,
    log,
    sendPolicy: 'adaptive',
    batchMaxDelayUs: 750,
    nodeId: newNodeId(world.seams.random),
    backlogBytes: 1_048_576,
    encoding: {},
    ...options.publisher,
  });
  const listener = await ReplicaListener.start({
    route: 'full-key',
    transport,
    bind: parseAddress(PRIMARY_ADDRESS),
    stream: () => publisher,
    clock,
    timers,
    metrics,
    log,
    token: undefined,
    isFresh: () => false,
    status: () => Buffer.of(0x80),
    snapshotChunkBytes: 4_096,
    subscriberQueueFrames: 1_024,
    subscriberQueueBytes: 16_777_216,
    encoding: {},
    maxReplicas: 16,
    ...options.listener,
  });
  const seen = new Map<string, string[]>();
  const remember = () => {
    for (const [shard, sequence] of store.watermarks().entries()) {
      seen.set(`${shard}:${sequence}`, store.shardContent(shard));
    }
  };
  remember();
  return {
    store,
    publisher,
    listener,
    metrics,
    history,
    log,
    contentAt: (shard, sequence) => seen.get(`${shard}:${sequence}`),
    remember,
    async stop() {
      publisher.close();
      await listener.close();
    },
  };
}

export interface VirtualFollower {
  follower: Follower;
  metrics: ReplicationMetrics;
  log: MemoryLog;
  /** Names of the events in order, `snapshot` once however often it came in a row. */
  events: string[];
  errors: Error[];
  store(): TestStore | undefined;
}

export function startFollower(
  world: VirtualWorld,
  transport: VirtualTransport,
  options: Partial<FollowerOptions> & { kind?: TestStoreKind } = {},
): VirtualFollower {
  const metrics = new ReplicationMetrics();
  const log = new MemoryLog();
  const events: string[] = [];
  const errors: Error[] = [];
  const note = (name: string) => {
    if (name !== 'snapshot' || events.at(-1) !== 'snapshot') events.push(name);
  };
  const follower = new Follower({
    ...world.seams,
    transport,
    metrics,
    log,
    address: parseAddress(PRIMARY_ADDRESS),
    connectTimeoutMs: 500,
    reconnectBackoffMs: 200,
    failFast: false,
    token: undefined,
    recorder: undefined,
    createStore: (shards) => makeTestStore(options.kind ?? 'map', { shards, clock: world.seams.clock }, true),
    handlers: {
      connecting: () => note('connecting'),
      snapshot: () => note('snapshot'),
      swapped: () => note('swapped'),
      adopted: () => note('adopted'),
      live: () => note('live'),
      caughtUp: () => note('caughtUp'),
      refused: () => note('refused'),
      foreignHistory: () => note('foreignHistory'),
      lost: ({ error }) => {
        note('lost');
        errors.push(error);
      },
      stopped: ({ error }) => {
        note('stopped');
        if (error !== undefined) errors.push(error);
      },
    },
    ...options,
  });
  world.always(() => follower.invariants());
  follower.start();
  const store = () => follower.holding?.store as TestStore | undefined;
  return { follower, metrics, log, events, errors, store };
}

/** A peer that says exactly what a test has it say, and keeps what it hears. */
export class RawPeer {
  readonly frames: { kind: FrameKind; payload: Buffer; bytes: Buffer }[] = [];
  readonly connection: Connection;
  closed = false;
  onFrame: ((frame: SplitFrame) => void) | undefined;
  readonly #splitter = new FrameSplitter();

  constructor(connection: Connection) {
    this.connection = connection;
    connection.handlers = {
      onData: (chunk) =>
        this.#splitter.push(chunk, (frame) => {
          const bytes = Buffer.from(frame.bytes);
          this.frames.push({ kind: frame.header.kind, payload: bytes.subarray(16), bytes });
          this.onFrame?.(frame);
        }),
      onDrain() {},
      onClose: () => {
        this.closed = true;
      },
    };
  }

  static connect(world: VirtualWorld, transport: VirtualTransport, address = PRIMARY_ADDRESS): RawPeer {
    let peer: RawPeer | undefined;
    transport.connect(
      parseAddress(address),
      { connectTimeoutMs: 500 },
      {
        opened: (connection) => {
          peer = new RawPeer(connection);
        },
        onData() {},
        onDrain() {},
        onClose() {},
      },
    );
    world.runUntil(() => peer !== undefined);
    return peer!;
  }

  send(kind: FrameKind, payload: Uint8Array): void {
    this.connection.write(encodeFrame(kind, payload));
  }

  kinds(): FrameKind[] {
    return this.frames.map((frame) => frame.kind);
  }

  errorText(): string | undefined {
    const frame = this.frames.find(({ kind }) => kind === FrameKind.Error);
    return frame?.payload.subarray(4).toString();
  }

  /** The first Hello heard. */
  hello(): ReturnType<typeof decodeHelloFrame> | undefined {
    let heard: ReturnType<typeof decodeHelloFrame> | undefined;
    for (const { kind, bytes } of this.frames) {
      if (kind !== FrameKind.Hello || heard !== undefined) continue;
      new FrameSplitter().push(bytes, (frame) => {
        heard = decodeHelloFrame(frame.header, frame.wirePayload);
      });
    }
    return heard;
  }
}
