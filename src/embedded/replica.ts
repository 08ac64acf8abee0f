/** A replica in a program's process: its content is read at memory speed. */
import { FastcacheError } from '../errors.js';
import { replicaConfig } from '../server/config.js';
import { Node } from '../server/node.js';
import type { ReplicaOptions } from '../server/option-types.js';
import { systemNodeSeams } from '../server/system-seams.js';
import { type CodecOption, type DecodedBy, withCodec } from './codec.js';
import { EmbeddedNode } from './embedded-node.js';
import { enclose, type Inside, open } from './inside.js';
import { PrimaryWriter } from './primary-writer.js';

/**
 * A node that begins by following a primary.
 *
 * ```js
 * const replica = await Replica.follow('127.0.0.1:7631', { codec: 'json' });
 * await replica.ready({ timeoutMs: 10_000 });
 * replica.get('greeting');
 * ```
 */
export class Replica<Value = Uint8Array> extends EmbeddedNode<Value> {
  readonly #node: Node;
  readonly #writer: PrimaryWriter<Value> | undefined;

  /**
   * Resolves when the ports that were asked for are open; connecting to the primary continues by itself, and
   * is repeated when it fails. Throws BAD_OPTION, INSECURE_ADDRESS, PORT_TAKEN, LISTEN_FAILED, WRITE_FAILED
   * (`record`), READ_FAILED and STATE_UNUSABLE (`state`), NO_INPUT and TLS_UNUSABLE (files of TLS). `writeTo`
   * is where `write` writes to: the port of the primary's clients, `redis://[user:password@]host[:port]`.
   */
  static async follow<Choice extends CodecOption = 'bytes', Value = DecodedBy<Choice>>(
    address: string,
    options: ReplicaOptions & { codec?: Choice; writeTo?: string | undefined } = {},
  ): Promise<Replica<Value>> {
    const { codec, others } = withCodec(options);
    const { writeTo, ...rest } = others;
    const node = await Node.start(replicaConfig(address, rest), systemNodeSeams);
    try {
      return new Replica(enclose(node, codec), writeTo);
    } catch (error) {
      await node.close();
      throw error;
    }
  }

  private constructor(inside: Inside, writeTo: string | undefined) {
    super(inside);
    this.#node = open(inside).node;
    this.#writer = writeTo === undefined ? undefined : new PrimaryWriter(inside, writeTo);
  }

  /** Writes to the primary. Throws READ_ONLY without the option `writeTo`. */
  get write(): PrimaryWriter<Value> {
    if (this.#writer !== undefined) return this.#writer;
    const message =
      'This replica takes no writes; follow() with `writeTo` lets `write` write to its primary.';
    throw new FastcacheError('READ_ONLY', message);
  }

  override async close(): Promise<void> {
    this.#writer?.close();
    await super.close();
  }

  /**
   * The history of the content; undefined while there is none, and for the content of a Rust primary, which
   * has a history with `bind` or `listen` only.
   */
  get history(): string | undefined {
    return this.#node.history?.id;
  }

  /** The primary's shards; 1 until the first content is whole. */
  get shards(): number {
    return this.#node.holding?.store.shards ?? this.#node.engine.shards;
  }
}
