/** A replica in a program's process: its content is read at memory speed. */
import { replicaConfig } from '../server/config.js';
import { Node } from '../server/node.js';
import type { ReplicaOptions } from '../server/option-types.js';
import { systemNodeSeams } from '../server/system-seams.js';
import { type CodecOption, type DecodedBy, withCodec } from './codec.js';
import { EmbeddedNode } from './embedded-node.js';
import { enclose, type Inside, open } from './inside.js';

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

  /**
   * Resolves when the ports that were asked for are open; connecting to the primary continues by itself, and
   * is repeated when it fails. Throws BAD_OPTION, INSECURE_ADDRESS, PORT_TAKEN, LISTEN_FAILED, WRITE_FAILED
   * (`record`), READ_FAILED and STATE_UNUSABLE (`state`), NO_INPUT and TLS_UNUSABLE (files of TLS).
   */
  static async follow<Choice extends CodecOption = 'bytes', Value = DecodedBy<Choice>>(
    address: string,
    options: ReplicaOptions & { codec?: Choice } = {},
  ): Promise<Replica<Value>> {
    const { codec, others } = withCodec(options);
    return new Replica(enclose(await Node.start(replicaConfig(address, others), systemNodeSeams), codec));
  }

  private constructor(inside: Inside) {
    super(inside);
    this.#node = open(inside).node;
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
