/**
 * Asks any FCRP address, a Rust primary's or either port of a fastcache node, for its position
 * (docs/protocol.md, "Status"): it reads the answer to a Hello, and a fastcache node's status as often as it
 * is wanted. A probe claims to have everything, so that nothing is sent to it to catch up with; a Rust
 * primary sends what is written from then on, which shows its watermarks.
 */
import type { Timer, Timers } from '../../clock.js';
import { FastcacheError } from '../../errors.js';
import { encodeFrame, openPayload } from '../../frame/frame.js';
import { encodeHelloFrame } from '../../frame/hello.js';
import { FrameKind, frameKindName } from '../../frame/kinds.js';
import type { Margin } from '../../frame/margin.js';
import { PayloadReader } from '../../frame/payload-reader.js';
import type { SplitFrame } from '../../frame/splitter.js';
import { COMPARED_MAX_BYTES, MAX_SHARDS, STATUS_MAX_BYTES } from '../../limits.js';
import { formatAddress } from '../../transport/address.js';
import type { Address, Transport } from '../../transport/connection.js';
import { PROBE_WATERMARK, watermarkOf } from '../watermarks.js';
import { Conversation, type PrimaryAnswer } from './conversation.js';

/** The options of a `Probe`. */
export interface ProbeOptions {
  transport: Transport;
  timers: Timers;
  connectTimeoutMs: number;
  token?: string | undefined;
}

/** Milliseconds that a primary has to answer a question. */
const ANSWER_DEADLINE_MS = 5_000;
/** The shard count is not known before the answer, so the probe claims as many shards as there can be. */
const CLAIM_ALL = new BigUint64Array(MAX_SHARDS).fill(PROBE_WATERMARK);
const NO_PAIRS: Margin = new Map();
const NO_PAYLOAD = Buffer.alloc(0);

interface Question {
  /** The kind of the frame that answers. */
  kind: FrameKind;
  /** Called with an answer; returns whether another one is to follow. */
  isWorking(payload: Uint8Array): boolean;
  resolve(payload: Uint8Array): void;
  reject(error: Error): void;
  deadline: Timer;
}

/** A connection to one address for questions; its owner closes it. */
export class Probe {
  readonly #place: string;
  readonly #timers: Timers;
  readonly #conversation: Conversation;
  #answer: PrimaryAnswer = { watermarks: [], margin: undefined, endOffset: 0 };
  #question: Question | undefined;
  #fault: Error | undefined;

  /**
   * Resolves when the address has answered. Rejects with the errors that `ConversationHandlers.ended` lists.
   */
  static open(address: Address, options: ProbeOptions): Promise<Probe> {
    return new Promise((resolve, reject) => {
      const probe: Probe = new Probe(address, options, () => resolve(probe), reject);
      probe.#conversation.start();
    });
  }

  private constructor(
    address: Address,
    { transport, timers, connectTimeoutMs, token }: ProbeOptions,
    opened: () => void,
    failed: (error: Error) => void,
  ) {
    this.#place = formatAddress(address);
    this.#timers = timers;
    const hello = encodeHelloFrame({ role: 'replica', token, watermarks: CLAIM_ALL }, { margin: NO_PAIRS });
    this.#conversation = new Conversation(
      { transport, timers, address, connectTimeoutMs, hello, keepsFrames: true },
      {
        connected() {},
        answered: (answer) => {
          this.#answer = answer;
          if (this.isOurs) this.#conversation.limitPayloads(STATUS_MAX_BYTES);
          opened();
        },
        frame: (frame) => (this.isOurs ? this.#takeAnswer(frame) : this.#takeBatch(frame)),
        ended: (error) => {
          this.#end(error);
          failed(error);
        },
      },
    );
  }

  /** The margin of the primary's Hello; undefined for a Rust primary. */
  get margin(): Margin | undefined {
    return this.#answer.margin;
  }

  /** Whether the address is a fastcache node's. */
  get isOurs(): boolean {
    return this.margin !== undefined;
  }

  /**
   * The watermark of each shard: those of the primary's Hello, and those that a Rust primary has reached
   * since.
   */
  get watermarks(): readonly bigint[] {
    return this.#answer.watermarks;
  }

  /** Why the connection is over; undefined while it is open. */
  get fault(): Error | undefined {
    return this.#fault;
  }

  /**
   * Asks a fastcache node for its status, or with the payload of a question for what that is answered with,
   * one question at a time; resolves with the payload as it came, at most `STATUS_MAX_BYTES`. Rejects with
   * `PEER_SILENT`, and with the error that ends the conversation.
   */
  ask(question: Uint8Array = NO_PAYLOAD): Promise<Uint8Array> {
    this.#conversation.limitPayloads(STATUS_MAX_BYTES);
    return this.#ask(encodeFrame(FrameKind.Status, question), FrameKind.Status, () => false);
  }

  /**
   * Asks a fastcache node that compares (`compares`) what a Compare frame with this payload asks, one
   * question at a time; resolves with the payload of the answer. `isWorking` is called with each answer, and
   * returns whether it only shows that another one is to follow. Rejects as `ask`.
   */
  compare(question: Uint8Array, isWorking: (payload: Uint8Array) => boolean): Promise<Uint8Array> {
    this.#conversation.limitPayloads(COMPARED_MAX_BYTES);
    return this.#ask(encodeFrame(FrameKind.Compare, question), FrameKind.Compared, isWorking);
  }

  #ask(frame: Buffer, kind: FrameKind, isWorking: Question['isWorking']): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#fault !== undefined) {
        reject(this.#fault);
        return;
      }
      this.#question = { kind, isWorking, resolve, reject, deadline: this.#armDeadline() };
      this.#conversation.send(frame);
    });
  }

  #armDeadline(): Timer {
    return this.#timers.after(ANSWER_DEADLINE_MS, () => {
      const message = `${this.#place} did not answer within ${ANSWER_DEADLINE_MS} ms.`;
      this.#end(new FastcacheError('PEER_SILENT', message, { address: this.#place }));
    });
  }

  /** Drops the connection; an open question rejects with `CONNECTION_LOST`. */
  close(): void {
    this.#end(
      new FastcacheError('CONNECTION_LOST', `The connection to ${this.#place} was closed.`, {
        address: this.#place,
      }),
    );
  }

  #takeAnswer({ header, wirePayload, offset }: SplitFrame): void {
    const question = this.#question;
    if (question === undefined || header.kind !== question.kind) {
      const found = frameKindName(header.kind);
      throw new FastcacheError(
        'FRAME_OUT_OF_PLACE',
        `A frame of kind ${found} came that was not asked for.`,
        {
          expected: question === undefined ? 'nothing' : frameKindName(question.kind),
          found,
          offset,
        },
      );
    }
    // The payload is copied, for the splitter may overwrite its memory.
    const payload = Buffer.from(openPayload(header, wirePayload));
    question.deadline.cancel();
    if (question.isWorking(payload)) {
      question.deadline = this.#armDeadline();
      return;
    }
    this.#question = undefined;
    question.resolve(payload);
  }

  /** Takes a Rust primary's batch, which is of one shard and has no gap (docs/protocol.md, "Primary"). */
  #takeBatch({ header, wirePayload }: SplitFrame): void {
    if (header.kind !== FrameKind.MutationBatch) return;
    const reader = new PayloadReader(openPayload(header, wirePayload));
    const records = reader.u32('record count');
    if (records === 0) return;
    const shard = reader.u32('shard');
    const last = reader.u64('sequence') + BigInt(records - 1);
    const { watermarks } = this.#answer;
    if (shard < watermarks.length && last > watermarkOf(watermarks, shard)) watermarks[shard] = last;
  }

  #end(error: Error): void {
    this.#fault ??= error;
    this.#conversation.close();
    const question = this.#question;
    this.#question = undefined;
    question?.deadline.cancel();
    question?.reject(this.#fault);
  }
}
