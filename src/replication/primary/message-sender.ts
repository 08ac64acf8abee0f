/**
 * Sends what is published to channels to a node's replicas (docs/protocol.md, "Messages"). The messages of a
 * turn leave in one frame behind the writes of that turn, so that none comes before a write that was made
 * before it.
 */
import type { Timers } from '../../clock.js';
import { encodeFrame } from '../../frame/frame.js';
import { FrameKind } from '../../frame/kinds.js';
import { type ChannelMessage, encodeMessages, messageBytes } from '../../frame/messages.js';
import type { FrameStream } from '../stream/stream.js';

/** Bytes of messages that gather before they leave within the turn. */
const GATHERED_BYTES_MAX = 64 * 1024;

/** The options of the sender. */
export interface MessageSenderOptions {
  timers: Timers;
  /** The stream that replicas are served from; undefined while there is none. */
  stream(): FrameStream | undefined;
}

/** A replica that takes messages. */
export interface MessageTaker {
  /** Sends a frame of messages behind all that was published; it is not changed any more. */
  sendMessages(frame: Buffer): void;
}

/** The messages of one node. */
export class MessageSender {
  readonly #options: MessageSenderOptions;
  /** The replicas that take messages, from their first byte on. */
  readonly takers = new Set<MessageTaker>();
  #gathered: ChannelMessage[] = [];
  #gatheredBytes = 0;

  constructor(options: MessageSenderOptions) {
    this.#options = options;
  }

  /** Has a message sent at the end of the turn; one takes `MESSAGES_MAX_BYTES` at most. */
  add(message: ChannelMessage): void {
    if (this.takers.size === 0) return;
    const bytes = messageBytes(message);
    // One frame never takes more than its kind may.
    if (this.#gatheredBytes + bytes > GATHERED_BYTES_MAX) this.flush();
    if (this.#gathered.length === 0) this.#options.timers.endOfTurn(() => this.flush());
    this.#gathered.push(message);
    this.#gatheredBytes += bytes;
  }

  /** Sends the messages that have gathered, behind all records that were written until now. */
  flush(): void {
    if (this.#gathered.length === 0) return;
    const frame = encodeFrame(FrameKind.Messages, encodeMessages(this.#gathered));
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#options.stream()?.flush();
    this.relay(frame);
  }

  /** Sends a whole frame, which came from the primary of this node or was made here. */
  relay(frame: Buffer): void {
    for (const taker of this.takers) taker.sendMessages(frame);
  }
}
