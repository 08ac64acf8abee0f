/**
 * A primary that says exactly what a test has it say, to whoever connects: the crate's (no margin), or one
 * that breaks the rules.
 */
import { xxh3 } from '@node-rs/xxhash';
import { encodeBatch, type MutationRecord } from '../../src/frame/batch.js';
import { encodeFrame } from '../../src/frame/frame.js';
import { type DecodedHelloFrame, encodeHello, encodeHelloFrame } from '../../src/frame/hello.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { encodeSnapshotChunk, encodeSnapshotEntries } from '../../src/frame/snapshot.js';
import { encodeWatermarks } from '../../src/frame/watermarks.js';
import { parseAddress } from '../../src/transport/address.js';
import type { Listener, Transport } from '../../src/transport/connection.js';
import { PRIMARY_ADDRESS, RawPeer } from './virtual-cluster.js';

/** Called with each Hello and the connection's number, from 1. */
export type Script = (peer: FakePeer, hello: DecodedHelloFrame, connection: number) => void;

export class FakePrimary {
  /** The Hello of each connection. */
  readonly hellos: DecodedHelloFrame[] = [];
  readonly peers: FakePeer[] = [];
  readonly listener: Promise<Listener>;
  script: Script;

  constructor(transport: Pick<Transport, 'listen'>, script: Script, address = PRIMARY_ADDRESS) {
    this.script = script;
    this.listener = transport.listen(parseAddress(address), (connection) => {
      const peer = new FakePeer(connection);
      this.peers.push(peer);
      peer.onFrame = ({ header }) => {
        const hello = peer.hello();
        if (header.kind !== FrameKind.Hello || hello === undefined) return;
        this.hellos.push(hello);
        this.script(peer, hello, this.hellos.length);
      };
    });
  }

  /** The claims of each connection so far, as plain lists; undefined where nothing was claimed. */
  claims(): (bigint[] | undefined)[] {
    return this.hellos.map(({ hello }) =>
      hello.watermarks === undefined ? undefined : Array.from(hello.watermarks),
    );
  }
}

export class FakePeer extends RawPeer {
  /** Without `history`, as the crate's primary; `pairs` are more of the margin. */
  answer(watermarks: bigint[], history?: string, pairs: Record<string, string> = {}): void {
    const hello = { role: 'replica', watermarks } as const;
    if (history === undefined) this.send(FrameKind.Hello, encodeHello(hello));
    else {
      const margin = new Map(Object.entries({ history, ...pairs }));
      this.connection.write(encodeHelloFrame(hello, { margin }));
    }
  }

  /** One shard's Sets of `key:<sequence>`. */
  batch(sequences: bigint[], value = 'v', shard = 0): void {
    this.#sets(
      sequences.map((sequence) => [shard, sequence]),
      (sequence) => `key:${sequence}`,
      value,
    );
  }

  /** Sets of `key:<shard>:<sequence>`, in one batch as no primary makes it. */
  mixedBatch(records: [shard: number, sequence: bigint][], value = 'v'): void {
    this.#sets(records, (sequence, shard) => `key:${shard}:${sequence}`, value);
  }

  #sets(
    records: [shard: number, sequence: bigint][],
    keyOf: (sequence: bigint, shard: number) => string,
    value: string,
  ): void {
    const sets = records.map(([shard, sequence]): MutationRecord => {
      const key = keyOf(sequence, shard);
      return {
        shard,
        sequence,
        timestampMs: 1n,
        op: 'set',
        keyHash: xxh3.xxh64(key),
        expireAtMs: null,
        key: Buffer.from(key),
        value: Buffer.from(value),
      };
    });
    this.send(FrameKind.MutationBatch, encodeBatch(sets));
  }

  begin(watermarks: bigint[]): void {
    this.send(FrameKind.SnapshotBegin, encodeWatermarks(watermarks));
  }

  chunk(chunkIndex: bigint, last: boolean, watermarks: bigint[], keys: string[]): void {
    const entries = encodeSnapshotEntries(
      keys.map((key) => ({ key: Buffer.from(key), value: Buffer.from('snapshot'), expireAtMs: null })),
    );
    const payload = encodeSnapshotChunk({ chunkIndex, last, watermarks, entryCount: keys.length, entries });
    this.connection.write(encodeFrame(FrameKind.SnapshotChunk, payload));
  }

  end(watermarks: bigint[]): void {
    this.send(FrameKind.SnapshotEnd, encodeWatermarks(watermarks));
  }

  snapshot(watermarks: bigint[], keys: string[] = []): void {
    this.begin(watermarks);
    this.chunk(0n, true, watermarks, keys);
    this.end(watermarks);
  }
}
