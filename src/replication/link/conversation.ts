/**
 * Asks a primary: connects, sends a Hello, reads the answer (docs/protocol.md, "Conversation"), then hands on
 * the frames that follow. A replica's session and the probe both use it.
 */
import type { Timers } from '../../clock.js';
import { FastcacheError } from '../../errors.js';
import { decodeErrorText } from '../../frame/error-text.js';
import { openPayload } from '../../frame/frame.js';
import { decodeHelloFrame } from '../../frame/hello.js';
import { FrameKind, frameKindName } from '../../frame/kinds.js';
import type { Margin } from '../../frame/margin.js';
import { FrameSplitter, type SplitFrame } from '../../frame/splitter.js';
import { isShardCount, SHARD_COUNTS } from '../../limits.js';
import { formatAddress } from '../../transport/address.js';
import type { Address, Connection, Transport } from '../../transport/connection.js';
import { serverProtocol } from './other-protocol.js';
import { refusalError } from './refusals.js';

/** Milliseconds that a primary has to answer the Hello, from the connection on. */
const ANSWER_DEADLINE_MS = 5_000;

/** Milliseconds within which a connection that is ended is over. */
const END_MS = 1_000;

/** The options of a `Conversation`. */
export interface ConversationOptions {
  transport: Transport;
  timers: Timers;
  address: Address;
  connectTimeoutMs: number;
  /** A whole Hello frame. */
  hello: Buffer;
  /** Whether frames are kept behind `frame`; large ones then get memory of their own. */
  keepsFrames: boolean;
}

/** A primary's answer to a Hello. */
export interface PrimaryAnswer {
  /** The watermark of each shard of the primary; the length is a power of two. */
  watermarks: bigint[];
  /** The margin of the answer; undefined for a Rust primary. */
  margin: Margin | undefined;
  /** The offset behind the answer, in the bytes that the primary sends on the connection. */
  endOffset: number;
}

/** The handlers that a `Conversation` calls; none is called after `close`. */
export interface ConversationHandlers {
  connected(): void;
  /** Called with the number of bytes that have come. */
  heard?(bytes: number): void;
  answered(answer: PrimaryAnswer): void;
  /** Takes each frame behind the answer. When it throws, the conversation ends with that error. */
  frame(frame: SplitFrame): void;
  /**
   * Called once, unless `close` was: with `PRIMARY_UNREACHABLE`, `PEER_SILENT`, `CONNECTION_LOST`,
   * `TOKEN_REFUSED`, `TOO_MANY_REPLICAS`, `PRIMARY_REFUSED`, `FRAME_OUT_OF_PLACE`, `FCRP_*`, or the error
   * that a handler threw.
   */
  ended(error: Error): void;
}

/** One connection, from `start` until it has `ended` or `close` was called. */
export class Conversation {
  readonly #options: ConversationOptions;
  readonly #handlers: ConversationHandlers;
  readonly #splitter: FrameSplitter;
  readonly #place: string;
  #destroy: () => void = () => {};
  #connection: Connection | undefined;
  #cancelDeadline: () => void = () => {};
  #answered = false;
  #over = false;

  constructor(options: ConversationOptions, handlers: ConversationHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#splitter = new FrameSplitter({ sharesAssembly: !options.keepsFrames });
    this.#place = formatAddress(options.address);
  }

  start(): void {
    const { transport, address, connectTimeoutMs } = this.#options;
    const attempt = transport.connect(
      address,
      { connectTimeoutMs },
      {
        opened: (connection) => this.#onOpened(connection),
        onData: (chunk) => this.#onData(chunk),
        onDrain: () => {},
        onClose: (error) => this.#end(error ?? this.#lost()),
      },
    );
    this.#destroy = () => attempt.destroy();
  }

  /** Sends another frame to a primary that has answered; does nothing once the conversation is over. */
  send(frame: Buffer): void {
    if (!this.#over) this.#connection?.write(frame);
  }

  /**
   * Sends a last frame and ends the connection behind it, within a second; no handler is called any more, and
   * `close` has nothing left to drop.
   */
  endWith(frame: Buffer): void {
    const connection = this.#connection;
    if (this.#over || connection === undefined) return;
    this.#over = true;
    this.#destroy = () => {};
    const deadline = this.#options.timers.after(END_MS, () => connection.destroy());
    connection.handlers = { onData() {}, onDrain() {}, onClose: () => deadline.cancel() };
    connection.write(frame);
    connection.end();
  }

  /**
   * Stops reading the connection until `resume`; frames of the bytes that have come are handed on
   * nevertheless.
   */
  pause(): void {
    this.#connection?.pause();
  }

  resume(): void {
    this.#connection?.resume();
  }

  /** Refuses longer payloads, compressed or not, from now on. */
  limitPayloads(maxBytes: number): void {
    this.#splitter.maxPayloadBytes = maxBytes;
  }

  /** Drops the connection; no handler is called any more. */
  close(): void {
    this.#over = true;
    this.#cancelDeadline();
    this.#destroy();
  }

  #onOpened(connection: Connection): void {
    if (this.#over) {
      connection.destroy();
      return;
    }
    this.#destroy = () => connection.destroy();
    this.#connection = connection;
    const deadline = this.#options.timers.after(ANSWER_DEADLINE_MS, () => {
      const waited = `${this.#place} did not answer the Hello within ${ANSWER_DEADLINE_MS} ms.`;
      this.#end(new FastcacheError('PEER_SILENT', waited, { address: this.#place }));
    });
    this.#cancelDeadline = () => deadline.cancel();
    this.#handlers.connected();
    connection.write(this.#options.hello);
  }

  #onData(chunk: Buffer): void {
    if (this.#over) return;
    this.#handlers.heard?.(chunk.length);
    try {
      this.#splitter.push(chunk, (frame) => {
        if (!this.#over) this.#onFrame(frame);
      });
    } catch (error) {
      const other = this.#answered ? undefined : serverProtocol(chunk);
      if (other !== undefined) this.#end(this.#speaks(other));
      else this.#end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #onFrame(frame: SplitFrame): void {
    if (frame.header.kind === FrameKind.Error) {
      throw refusalError(decodeErrorText(openPayload(frame.header, frame.wirePayload)), this.#place);
    }
    if (this.#answered) {
      this.#handlers.frame(frame);
      return;
    }
    const answer = readAnswer(frame);
    this.#answered = true;
    this.#cancelDeadline();
    this.#handlers.answered(answer);
  }

  #end(error: Error): void {
    if (this.#over) return;
    this.close();
    this.#handlers.ended(error);
  }

  #speaks(protocol: string): FastcacheError {
    const message =
      `${this.#place} answers in ${protocol}, so it is no server of fastcache, or not a port for replicas ` +
      'or clients. Give the address of such a port.';
    return new FastcacheError('FCRP_BAD_MAGIC', message, { address: this.#place });
  }

  #lost(): FastcacheError {
    return new FastcacheError('CONNECTION_LOST', `${this.#place} closed the connection.`, {
      address: this.#place,
    });
  }
}

function readAnswer(frame: SplitFrame): PrimaryAnswer {
  const { header, offset } = frame;
  if (header.kind !== FrameKind.Hello) {
    const found = frameKindName(header.kind);
    throw new FastcacheError('FRAME_OUT_OF_PLACE', `The primary answered with a frame of kind ${found}.`, {
      expected: 'Hello',
      found,
      offset,
    });
  }
  const { hello, margin } = decodeHelloFrame(header, frame.wirePayload);
  const shards = hello.watermarks?.length ?? 0;
  if (hello.watermarks === undefined || !isShardCount(shards)) {
    throw new FastcacheError('SHARD_OUT_OF_RANGE', `The primary's Hello has ${shards} watermarks.`, {
      expected: SHARD_COUNTS,
      found: shards,
      offset,
    });
  }
  return { watermarks: Array.from(hello.watermarks), margin, endOffset: offset + frame.bytes.length };
}
