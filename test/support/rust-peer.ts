/**
 * The Rust crate as a live peer: drives test/interop/rust-peer, one command and one line of answer at a time,
 * and knows in advance what its `fill` writes.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Entry } from './digest.js';
import type { OptionalPeer } from './optional-peers.js';
import { freePort, LineProcess, repositoryRoot } from './processes.js';

const crate = join(repositoryRoot, 'test/interop/rust-peer');
export const rustPeerPath = join(process.env.CARGO_TARGET_DIR ?? join(crate, 'target'), 'release/fcrp-peer');

export const rustPeer: OptionalPeer = {
  name: 'the Rust peer',
  isThere: existsSync(rustPeerPath),
  remedy: 'cargo build --release --locked --manifest-path test/interop/rust-peer/Cargo.toml',
};

/** Flags of both roles; see `rust-peer/src/options.rs`. */
export interface RustPeerOptions {
  token?: string;
  zstd?: boolean;
  immediate?: boolean;
  backlogBytes?: number;
  chunkBytes?: number;
  /** Frames that may wait for one replica; beyond it the crate cuts the replica off. */
  subscriberFrames?: number;
}

export interface RustPrimaryOptions extends RustPeerOptions {
  shards?: number;
  sessionPrefix?: boolean;
  /** For a primary that comes back where another was; else a free one. */
  port?: number;
}

class RustPeerProcess extends LineProcess {
  #lastAnswer: Promise<unknown> = Promise.resolve();

  constructor(role: string, options: RustPeerOptions, more: readonly string[]) {
    super(rustPeerPath, [role, ...more, ...flagsOf(options)]);
  }

  /** The answer to one command; commands that are asked together are sent one after the other. */
  ask(command: string): Promise<string> {
    const answer = this.#lastAnswer.then(() => this.#askNow(command));
    this.#lastAnswer = answer.catch(() => {});
    return answer;
  }

  async #askNow(command: string): Promise<string> {
    this.send(command);
    const answer = await this.nextLine();
    if (answer.startsWith('error ')) throw new Error(`the Rust peer: ${answer}`);
    return answer;
  }

  /** `<keys> <digest>`, to compare with `digestOf`. */
  digest(): Promise<string> {
    return this.ask('digest');
  }

  async watermarks(): Promise<bigint[]> {
    return (await this.ask('watermarks')).split(' ').map(BigInt);
  }

  /** The crate's own counters, under its own names (`backpressure_events`, …). */
  async metrics(): Promise<Record<string, number>> {
    const pairs = (await this.ask('metrics')).matchAll(/(\w+): (\d+)/g);
    return Object.fromEntries(Array.from(pairs, ([, name, value]) => [name, Number(value)]));
  }
}

export class RustPrimary extends RustPeerProcess {
  readonly address: string;

  private constructor(address: string, options: RustPrimaryOptions) {
    const route = options.sessionPrefix ? ['--route', 'session-prefix'] : [];
    super('primary', options, ['--bind', address, '--shards', String(options.shards ?? 4), ...route]);
    this.address = address;
  }

  /** Resolves when it listens. */
  static async start(options: RustPrimaryOptions = {}): Promise<RustPrimary> {
    const primary = new RustPrimary(`127.0.0.1:${options.port ?? (await freePort())}`, options);
    await primary.nextLine((line) => line.startsWith('ready'));
    return primary;
  }

  async set(key: string | Buffer, value: string | Buffer, ttlMs?: number): Promise<void> {
    const command = ttlMs === undefined ? 'set' : 'setpx';
    await this.ask([command, hexOf(key), hexOf(value), ...(ttlMs === undefined ? [] : [ttlMs])].join(' '));
  }

  /** Whether the key was there. */
  async del(key: string | Buffer): Promise<boolean> {
    return (await this.ask(`del ${hexOf(key)}`)) === 'true';
  }

  /** Whether the key was there. */
  async expireAt(key: string | Buffer, unixMs: number): Promise<boolean> {
    return (await this.ask(`expireat ${hexOf(key)} ${unixMs}`)) === 'true';
  }

  /**
   * Starts to write what `fillEntries` lists, on a thread of its own, and returns; `perMs` is the pace, else
   * full.
   */
  async startFill(from: number, to: number, valueBytes: number, perMs?: number): Promise<void> {
    await this.ask(['fill', from, to, valueBytes, ...(perMs === undefined ? [] : [perMs])].join(' '));
  }

  /** Resolves when the last started fill is through. */
  async filled(): Promise<void> {
    await this.ask('filled');
  }

  /** The crate's shard and XXH3-64 of a key. */
  async route(key: string | Buffer): Promise<{ shard: number; keyHash: bigint }> {
    const [shard, keyHash] = (await this.ask(`route ${hexOf(key)}`)).split(' ');
    return { shard: Number(shard), keyHash: BigInt(keyHash!) };
  }
}

export class RustReplica extends RustPeerProcess {
  /** A replica that follows `address`, and goes on trying when nothing listens there. */
  static async start(address: string, options: RustPeerOptions = {}): Promise<RustReplica> {
    const replica = new RustReplica('replica', options, ['--of', address]);
    await replica.nextLine((line) => line === 'ready');
    return replica;
  }

  async get(key: string | Buffer): Promise<Buffer | null> {
    const answer = await this.ask(`get ${hexOf(key)}`);
    return answer === 'none' ? null : Buffer.from(answer.slice('hex:'.length), 'hex');
  }

  /** Resolves when it has applied at least all of these; throws when it does not get there. */
  async reached(watermarks: readonly bigint[]): Promise<void> {
    await this.ask(`wait ${watermarks.join(' ')}`);
  }
}

/** Returns the entries that `fill FROM TO LEN` writes. */
export function fillEntries(from: number, to: number, valueBytes: number): Entry[] {
  return Array.from({ length: to - from }, (_, at) => [
    Buffer.from(`key:${from + at}`),
    fillValue(from + at, valueBytes),
  ]);
}

function fillValue(index: number, valueBytes: number): Buffer {
  const value = Buffer.alloc(valueBytes);
  for (let at = value.write(`value:${index}:`); at < valueBytes; at++) {
    value[at] = (index * 31 + at * 7) % 251;
  }
  return value;
}

function flagsOf(options: RustPeerOptions): string[] {
  const flags: [string, string | number | undefined][] = [
    ['--token', options.token],
    ['--zstd', options.zstd ? 'on' : undefined],
    ['--immediate', options.immediate ? 'on' : undefined],
    ['--backlog', options.backlogBytes],
    ['--chunk', options.chunkBytes],
    ['--subcap', options.subscriberFrames],
  ];
  return flags.flatMap(([flag, value]) => (value === undefined ? [] : [flag, String(value)]));
}

function hexOf(bytes: string | Buffer): string {
  return `hex:${Buffer.from(bytes as string).toString('hex')}`;
}
