/**
 * The connection of a session to its primary, with what keeps it alive: it acknowledges to a fastcache
 * primary and watches it; a Rust primary does not read and may be silent for good reasons. A tap without room
 * stops its flow, and the watch with it.
 */
import assert from 'node:assert/strict';
import type { Clock, Timers } from '../../clock.js';
import { encodeFailover, type FailoverMessage } from '../../frame/failover.js';
import { encodeFrame, openPayload } from '../../frame/frame.js';
import { FrameKind } from '../../frame/kinds.js';
import type { Margin } from '../../frame/margin.js';
import type { SplitFrame } from '../../frame/splitter.js';
import { formatAddress } from '../../transport/address.js';
import type { Address, Transport } from '../../transport/connection.js';
import { AckSender, leaveFrame, TAKES_SYNCED } from '../link/ack-sender.js';
import { Conversation, type ConversationHandlers } from '../link/conversation.js';
import { LinkWatch } from '../link/link-watch.js';
import type { StreamTap } from '../outputs/tap.js';
import type { ComparedStores, Divergence } from './divergence.js';
import { deadLink } from './session-faults.js';
import type { MessagesConsumer, SyncedDisk } from './session-options.js';
import type { TakeoverSeat } from './takeover.js';

/** The options of a `PrimaryLink`. */
export interface PrimaryLinkOptions {
  transport: Transport;
  clock: Clock;
  timers: Timers;
  address: Address;
  connectTimeoutMs: number;
  /** A whole Hello frame. */
  hello: Buffer;
  /** Whether frames are kept behind `frame`. */
  keepsFrames: boolean;
  tap?: StreamTap | undefined;
  /** Takes what is published to channels; absent: none is asked for. */
  messages?: MessagesConsumer | undefined;
  /** The replica's part in failovers; absent: it has none. */
  takeover?: TakeoverSeat | undefined;
  /** Compares the held content with the primary's digests; absent: none are asked for. */
  divergence?: Divergence | undefined;
  /** The stores that are compared. */
  compared(): ComparedStores;
  /** The watermarks to acknowledge, in the primary's history; an empty list while nothing of it is held. */
  watermarks(): ArrayLike<bigint>;
  /** The disk that keeps the content, whose watermarks a primary is sent that takes them; absent: none. */
  disk?: SyncedDisk | undefined;
}

/** The takers of frames that a Rust primary does not send: none. */
const NOBODY: Pick<PrimaryLinkOptions, 'messages' | 'takeover' | 'divergence'> = {};

/** One connection, from `start` until `close`. */
export class PrimaryLink {
  readonly #options: PrimaryLinkOptions;
  readonly #handlers: ConversationHandlers;
  readonly #conversation: Conversation;
  #acks: AckSender | undefined;
  #watch: LinkWatch | undefined;
  #stopSyncs: (() => void) | undefined;

  /** Makes a link; `handlers.ended` is also called with `PEER_SILENT` when it has gone dead. */
  constructor(options: PrimaryLinkOptions, handlers: ConversationHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#conversation = new Conversation(options, {
      ...handlers,
      heard: (bytes) => {
        this.#watch?.heard();
        handlers.heard?.(bytes);
      },
      frame: (frame) => this.#onFrame(frame),
    });
  }

  /** Connects; a tap must have room for what comes. */
  start(): void {
    this.#options.tap?.follow({ pause: () => this.#pause(), resume: () => this.#resume() });
    this.#conversation.start();
  }

  /**
   * Acknowledges and watches from the answer of a fastcache primary on, so that the primary gets Acks also
   * while the replica takes in a snapshot. `margin` is that of the answer.
   */
  keepAlive(margin: Margin): void {
    const { clock, timers, address, watermarks, takeover, divergence } = this.#options;
    divergence?.linked((frame) => this.#conversation.send(frame));
    const disk = margin.get(TAKES_SYNCED[0]) === TAKES_SYNCED[1] ? this.#options.disk : undefined;
    takeover?.linked({
      send: (message) => this.#conversation.send(failoverFrame(message)),
      endWith: (message) => this.#conversation.endWith(failoverFrame(message)),
    });
    this.#acks = new AckSender({
      clock,
      timers,
      watermarks,
      synced: disk && (() => disk.watermarks()),
      send: (frame) => this.#conversation.send(frame),
    });
    this.#acks.start();
    this.#stopSyncs = disk?.onSynced(() => this.applied());
    this.#watch = new LinkWatch({
      clock,
      timers,
      onDead: (silentMs) => this.#handlers.ended(deadLink(formatAddress(address), silentMs)),
    });
  }

  /** Called when something was applied to what is held, or synced of it. */
  applied(): void {
    this.#acks?.applied();
  }

  /** Called when the primary has sent an Ack, which asks for one. */
  asked(): void {
    this.#acks?.answer();
  }

  /**
   * Drops the connection; no handler is called any more. To be called once. A primary of fastcache is sent
   * before that the replica goes on purpose, if it does.
   */
  close(isOnPurpose: boolean): void {
    const hearsLeave = isOnPurpose && this.#watch !== undefined;
    if (hearsLeave) this.#conversation.endWith(leaveFrame(this.#options.watermarks()));
    this.#acks?.stop();
    this.#stopSyncs?.();
    this.#watch?.stop();
    this.#conversation.close();
    if (this.#watch !== undefined) this.#options.takeover?.unlinked();
    this.#options.divergence?.unlinked();
    this.#options.tap?.follow(undefined);
  }

  /** Asserts that a fastcache primary, and no other, is watched. */
  invariants(isOurs: boolean): void {
    assert.equal(this.#watch !== undefined, isOurs, 'a primary is watched just when it is one of ours');
    this.#watch?.invariants();
  }

  /** Hands on what is no part of the stream; only a primary of fastcache's, which is watched, may send it. */
  #onFrame(frame: SplitFrame): void {
    const { header, wirePayload } = frame;
    const { messages, takeover, divergence } = this.#watch === undefined ? NOBODY : this.#options;
    if (header.kind === FrameKind.Messages && messages !== undefined) {
      messages(openPayload(header, wirePayload), frame);
    } else if (header.kind === FrameKind.Failover && takeover !== undefined) {
      takeover.heard(openPayload(header, wirePayload));
    } else if (header.kind === FrameKind.Digests && divergence !== undefined) {
      divergence.heard(openPayload(header, wirePayload), frame.bytes, this.#options.compared());
    } else this.#handlers.frame(frame);
  }

  #pause(): void {
    this.#conversation.pause();
    // Bytes that are not read are no sign of life, however alive the primary is.
    this.#watch?.pause();
  }

  #resume(): void {
    this.#conversation.resume();
    this.#watch?.resume();
  }
}

function failoverFrame(message: FailoverMessage): Buffer {
  return encodeFrame(FrameKind.Failover, encodeFailover(message));
}
