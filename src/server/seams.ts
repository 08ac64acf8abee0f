/**
 * The seams through which a node reaches the outside: time, chance, the network and files. In production they
 * are the system's (`system-seams.ts`), and in the simulation those of a virtual world, so that both run the
 * same node.
 */
import type { Seams } from '../clock.js';
import type { DataFiles } from '../data/data-files.js';
import type { ContentOptions, LoadedContent } from '../dump/rdb/load-content.js';
import type { ShardEngineOptions } from '../engine/engine-options.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import type { KnownDump } from '../files/dump-digest.js';
import type { FrameSink, SinkOptions } from '../files/frame-sink.js';
import type { PemFile } from '../files/pem-file.js';
import type { IndexedSinkOptions } from '../frame-index/indexed-sink.js';
import type { RespServer, RespServerOptions } from '../resp/server.js';
import type { MetricsSource } from '../status/metrics/metrics-server.js';
import type { Address, Listener, Transport } from '../transport/connection.js';
import type { HttpsPort } from '../transport/http.js';
import type { Tls, TlsPem } from '../transport/tls.js';

/** The files of a node: its dumps and its states, by path. */
export interface NodeFiles {
  /** Opens a dump for writing, as `openFileSink` does. Throws WRITE_FAILED. */
  openSink(path: string, options?: SinkOptions): FrameSink;
  /** Returns the bytes of a dump, 0 where there is no regular file. */
  dumpBytes(path: string): number;
  /**
   * Resolves with what a dump has, to be continued. Throws the fault of one that does not end behind a whole
   * frame.
   */
  wholeDump(path: string): Promise<KnownDump>;
  /** As `indexedSink`; returns the sink itself where there cannot be an index. */
  indexedSink(path: string, sink: FrameSink, options: IndexedSinkOptions): Promise<FrameSink>;
  /** The bytes of a state; undefined when there is none. Throws READ_FAILED, WRITE_FAILED. */
  readState(path: string, maxBytes: number): Buffer | undefined;
  /**
   * Resolves when the new state is on the disk, a file of `mode`. Throws WRITE_FAILED; the old state is then
   * still there.
   */
  replaceState(path: string, bytes: Uint8Array, mode: number): Promise<void>;
  /** Resolves when a state that was read is on the disk. Throws WRITE_FAILED. */
  syncState(path: string): Promise<void>;
  /** Returns the files of a data directory; those that are made have the mode `mode`. */
  openData(directory: string, mode: number): Promise<DataFiles>;
  /** Reads a certificate or a key. Throws NO_INPUT. */
  readPem(path: string): PemFile;
  /** Makes a store of what a dump or an RDB file holds. Throws what `loadContent` throws. */
  loadContent(options: Omit<ContentOptions, 'open'>): Promise<LoadedContent>;
  /** Rejects with BAD_OPTION when the dump at `input` is the one that `output` would overwrite. */
  refuseInPlace(input: string, output: string): Promise<void>;
}

/** The parts that the code that starts a node gives it. */
export interface NodeSeams extends Seams {
  /** The network for FCRP, on which it listens to replicas and connects to a primary. */
  readonly transport: Transport;
  readonly files: NodeFiles;
  /** Returns the addresses of this machine. */
  ownAddresses(): readonly string[];
  /** Resolves with the addresses of a host; there are none where that is not known. */
  lookup(host: string): Promise<readonly string[]>;
  /** Makes an empty store. Throws BAD_OPTION, OUT_OF_MEMORY. */
  createEngine(options: ShardEngineOptions): ShardEngine;
  /** Makes the server of the Redis protocol, which does not listen yet. */
  createRespServer(options: RespServerOptions): RespServer;
  /** Listens for HTTP, or with `https` for HTTPS. Throws PORT_TAKEN, LISTEN_FAILED. */
  startMetricsServer(address: Address, source: MetricsSource, https?: HttpsPort): Promise<Listener>;
  /** Makes the TLS of the node. Throws TLS_UNUSABLE. */
  createTls(pem: TlsPem, asksClients: boolean): Promise<Tls>;
}
