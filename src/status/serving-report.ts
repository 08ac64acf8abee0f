/**
 * What Redis' INFO and ROLE (reference: Redis' field names) and the metrics say of who serves replicas, be it a primary or
 * a relay: its replicas and its backlog.
 */
import type { Clock } from '../clock.js';
import type { History } from '../replication/history.js';
import { offsetIn } from '../replication/offset.js';
import type { ReplicaListener } from '../replication/primary/listener.js';
import type { ReplicaInfo } from '../replication/primary/replica-info.js';
import type { BacklogWindow } from '../replication/stream/backlog.js';
import type { FrameStream } from '../replication/stream/stream.js';
import { lagLine, type ReplicaStatus, replicaStatus } from './lag.js';
import type { ConnectedReplica, ServingFigures } from './role-figures.js';
import { type StatusDocument, type StatusParts, statusDocument } from './status-document.js';

/** Redis' words for where a replica stands. */
const replicaStates = {
  snapshot: 'send_bulk',
  'catching-up': 'send_bulk',
  live: 'online',
  gone: 'gone',
} as const;

/** What a Status document tells beside replication. */
export type ServerDetails = Pick<StatusParts, 'version' | 'metrics' | 'nowMs'>;

type Fields = Record<string, string | number>;

export interface ServedReplicasOptions {
  /** Undefined while there is nothing to serve them from. */
  stream(): FrameStream | undefined;
  /** Undefined: no replicas can come. */
  door(): ReplicaListener | undefined;
  backlogBytes: number;
  clock: Clock;
}

export class ServedReplicas {
  readonly #options: ServedReplicasOptions;

  constructor(options: ServedReplicasOptions) {
    this.#options = options;
  }

  /** Of what they are served from. */
  get history(): History | undefined {
    return this.#options.stream()?.history;
  }

  /** Who is connected, in the order in which they came. */
  connected(): ReplicaStatus[] {
    return this.#statusOf(this.#options.door()?.replicas());
  }

  /** Who left within the last hour, in the order in which they left. */
  departed(): ReplicaStatus[] {
    return this.#statusOf(this.#options.door()?.departed());
  }

  /** INFO's `slaveN` with Redis' fields, and behind them `replicaN` with what Redis does not tell. */
  replicaLines(): Fields {
    const replicas = this.connected();
    return {
      ...Object.fromEntries(replicas.map((replica, index) => [`slave${index}`, this.#replicaLine(replica)])),
      ...Object.fromEntries(replicas.map(({ lag }, index) => [`replica${index}`, lagLine(lag)])),
    };
  }

  /** INFO's last lines. Offsets are records, of all shards together (replication/offset.ts). */
  backlogLines(): Fields {
    const stream = this.#options.stream();
    const { backlogBytes, clock } = this.#options;
    const windows = stream?.backlog.windows() ?? [];
    const windowsMs = stream?.backlog.shardWindowsMs(stream.backlog.rates(clock.nowMs()));
    const offset = this.#offset(stream?.watermarks() ?? []);
    const records = windows.reduce((sum, window) => sum + window.records, 0n);
    // More is kept than the offset tells of only where it is too low.
    const kept = records < offset ? records : offset;
    return {
      repl_backlog_active: stream === undefined ? 0 : 1,
      repl_backlog_size: backlogBytes,
      repl_backlog_first_byte_offset: String(offset - kept + 1n),
      repl_backlog_histlen: String(kept),
      ...Object.fromEntries(
        windows.map((window, shard) => [`shard${shard}`, shardLine(window, windowsMs?.[shard])]),
      ),
    };
  }

  /** For `fastcache watermarks`; who left last stands before who left earlier. Undefined: nothing is served. */
  document(details: ServerDetails & Pick<StatusParts, 'role' | 'link'>): StatusDocument | undefined {
    const stream = this.#options.stream();
    if (stream === undefined) return undefined;
    const replicas = [...this.connected(), ...this.departed().reverse()];
    return statusDocument({ ...details, stream, replicas, backlogLimitBytes: this.#options.backlogBytes });
  }

  figures(): ServingFigures {
    const windows = this.#options.stream()?.backlog.windows() ?? [];
    return {
      backlog: {
        bytes: windows.reduce((sum, { bytes }) => sum + bytes, 0),
        records: Number(windows.reduce((sum, { records }) => sum + records, 0n)),
        limitBytes: this.#options.backlogBytes,
      },
      replicas: this.connected().map(connectedReplica),
    };
  }

  /** For ROLE: address, port and offset of each. */
  roleLines(): [string, string, string][] {
    return this.connected().map((replica) => {
      const { ip, port } = addressParts(replica);
      return [ip, port, String(this.#replicaOffset(replica))];
    });
  }

  #offset(watermarks: readonly bigint[]): bigint {
    return offsetIn(this.history, watermarks);
  }

  #replicaOffset({ acknowledged, watermarks }: ReplicaInfo): bigint {
    return this.#offset(acknowledged ?? watermarks);
  }

  #replicaLine(replica: ReplicaInfo): string {
    const { ip, port } = addressParts(replica);
    const { state, sinceAckSeconds } = replica;
    return `ip=${ip},port=${port},state=${replicaStates[state]},offset=${this.#replicaOffset(replica)},lag=${sinceAckSeconds}`;
  }

  #statusOf(replicas: readonly ReplicaInfo[] = []): ReplicaStatus[] {
    const backlog = this.#options.stream()?.backlog;
    return backlog === undefined ? [] : replicas.map((replica) => replicaStatus(replica, backlog));
  }
}

/** A shard to which nothing is written has a window without end, which is left out. */
function shardLine({ watermark, earliest, bytes }: BacklogWindow, windowMs: number | undefined): string {
  const line = `seq=${watermark},first=${earliest},bytes=${bytes}`;
  return windowMs === undefined ? line : `${line},window_ms=${windowMs}`;
}

function connectedReplica({
  address,
  state,
  acknowledged,
  sinceAckSeconds,
  lag,
}: ReplicaStatus): ConnectedReplica {
  if (acknowledged === undefined) {
    return { address, state, lagRecords: undefined, sinceAckSeconds: undefined };
  }
  return { address, state, lagRecords: lag === 'snapshot' ? undefined : lag.records, sinceAckSeconds };
}

function addressParts({ address }: ReplicaInfo): { ip: string; port: string } {
  const colon = address.lastIndexOf(':');
  return { ip: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: address.slice(colon + 1) };
}
