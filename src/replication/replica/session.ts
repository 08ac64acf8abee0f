/**
 * One conversation with a primary, on the replica's side (fcrp-v1.md, "Conversation" 5; design.md, "Histories"): claims what
 * is held, decides from the answer what may come, applies it, and swaps new content in when it is whole.
 */
import type { Clock, Timers } from '../../clock.js';
import type { ReplicatedStore } from '../../engine/types.js';
import { FastcacheError } from '../../errors.js';
import { readBatchHead } from '../../frame/batch.js';
import { openPayload } from '../../frame/frame.js';
import { encodeHelloFrame } from '../../frame/hello.js';
import { FrameKind } from '../../frame/kinds.js';
import type { Margin } from '../../frame/margin.js';
import type { SplitFrame } from '../../frame/splitter.js';
import { decodeWatermarks } from '../../frame/watermarks.js';
import { formatAddress } from '../../transport/address.js';
import type { Address, Transport } from '../../transport/connection.js';
import { type History, placeIn, readHistory } from '../history.js';
import { AckSender } from '../link/ack-sender.js';
import { Conversation, type PrimaryAnswer } from '../link/conversation.js';
import { LinkWatch } from '../link/link-watch.js';
import { checkPath, pathInMargin } from '../link/path.js';
import type { ReplicationMetrics } from '../metrics.js';
import type { Recorder } from '../outputs/recorder.js';
import type { StreamTap } from '../outputs/tap.js';
import type { Relay } from '../relay/relay.js';
import { hasReached } from '../watermarks.js';
import { type Gap, gapOf } from './gap-policy.js';
import type { Holding } from './holding.js';
import { deadLink, emptySnapshot, historyDiffers, outOfPlace } from './session-faults.js';
import { Staging } from './staging.js';

export interface ReplicaSessionOptions {
  transport: Transport;
  clock: Clock;
  timers: Timers;
  metrics: ReplicationMetrics;
  address: Address;
  connectTimeoutMs: number;
  token: string | undefined;
  /** Makes an empty store of so many shards, at watermarks of 0. Throws `OUT_OF_MEMORY`. */
  createStore(shards: number): ReplicatedStore;
  /** Gets the frames of the stream as they came, from SnapshotBegin or the first batch on, and what they are. */
  recorder: Pick<Recorder, 'follow' | 'offer'> | undefined;
  /** Gets what is applied to what is held, for replicas of this replica. */
  relay?: Relay | undefined;
  /** Whether content without a key may replace content that has keys; default false. */
  allowEmptySnapshot?: boolean | undefined;
  /** Is told what is applied, and stops the flow of frames when it has no room. */
  tap?: StreamTap | undefined;
}

export interface ReplicaSessionHandlers {
  connected(): void;
  /** So many bytes have come from the primary. */
  heard(bytes: number): void;
  /** What the primary had when it answered, and with each of its heartbeats. */
  primaryAt(watermarks: ArrayLike<bigint>): void;
  /** Records of a batch are applied, the newest of which is of `newestMs`, Unix ms of the primary. */
  applied(newestMs: number): void;
  /** New content begins, from a primary that answered so. */
  began(primary: PrimaryAnswer): void;
  /** A snapshot arrives, or new content from the first sequence on: so many entries are there. */
  building(entries: number): void;
  /** New content is whole and replaces all that was held. */
  swapped(holding: Holding): void;
  /** What is held goes on in another history; it is the same store, at watermarks of that one. */
  adopted(holding: Holding): void;
  /** What is held is no part of what the primary has, for this reason in words: new content is to come. */
  startsOver(reason: string): void;
  /** What is held follows the primary from here on. */
  live(primary: PrimaryAnswer): void;
  /** Once: all that the primary had when it answered is applied. */
  caughtUp(watermarks: readonly bigint[]): void;
  ended(end: SessionEnd): void;
}

export interface SessionEnd {
  error: Error;
  /** What was claimed led nowhere: come back claiming nothing. */
  claimNothing: boolean;
  /** Set when `error` is a `SEQUENCE_GAP`. */
  gap: Gap | undefined;
}

export class ReplicaSession {
  readonly #options: ReplicaSessionOptions;
  readonly #handlers: ReplicaSessionHandlers;
  readonly #conversation: Conversation;
  readonly #held: Holding | undefined;
  /** What is held, and what the answer showed to be continued by this primary; undefined: only new content may come. */
  #continued: Holding | undefined;
  #staging: Staging | undefined;
  #answer: PrimaryAnswer | undefined;
  /** The primary's. */
  #history: History | undefined;
  /** Acknowledges to a primary of ours what is held of its history; a Rust primary does not read, nor is it watched. */
  #acks: AckSender | undefined;
  #watch: LinkWatch | undefined;
  #isLive = false;
  #isCaughtUp = false;
  #isOver = false;
  /** The tap has been told of this session. */
  #isTapped = false;

  /** What is `held` is claimed, to be continued, unless `claimNothing`, so that new content comes. */
  constructor(
    options: ReplicaSessionOptions,
    { held, claimNothing }: { held: Holding | undefined; claimNothing: boolean },
    handlers: ReplicaSessionHandlers,
  ) {
    const claimed = claimNothing ? undefined : held;
    this.#options = options;
    this.#handlers = handlers;
    this.#held = held;
    this.#continued = claimed;
    const { transport, timers, address, connectTimeoutMs, token } = options;
    const margin = new Map(claimed?.history === undefined ? [] : [['history', claimed.history.id]]);
    const hello = encodeHelloFrame(
      { role: 'replica', token, watermarks: claimed?.store.watermarks() },
      { margin },
    );
    this.#conversation = new Conversation(
      { transport, timers, address, connectTimeoutMs, hello },
      {
        connected: () => handlers.connected(),
        heard: (bytes) => {
          this.#watch?.heard();
          handlers.heard(bytes);
        },
        answered: (answer) => this.#onAnswer(answer),
        frame: (frame) => this.#onFrame(frame),
        ended: (error) => this.#end({ error, claimNothing: false, gap: undefined }),
      },
    );
  }

  /** Connects, once the tap has room for what comes. */
  start(): void {
    const { tap } = this.#options;
    if (tap === undefined) this.#conversation.start();
    else tap.whenRoom(() => this.#startTapped(tap));
  }

  #startTapped(tap: StreamTap): void {
    if (this.#isOver) return;
    this.#isTapped = true;
    tap.follow({ pause: () => this.#pause(), resume: () => this.#resume() });
    this.#conversation.start();
  }

  #pause(): void {
    this.#conversation.pause();
    // Who is not read is not heard.
    this.#watch?.stop();
  }

  #resume(): void {
    this.#conversation.resume();
    if (this.#watch !== undefined) this.#watchLink();
  }

  /** Drops the connection and what was not whole; no handler is called any more. */
  close(): void {
    this.#isOver = true;
    this.#staging = undefined;
    this.#acks?.stop();
    this.#watch?.stop();
    this.#conversation.close();
    if (this.#isTapped) this.#options.tap?.follow(undefined);
    this.#isTapped = false;
  }

  #end(end: SessionEnd): void {
    if (this.#isOver) return;
    this.close();
    this.#handlers.ended(end);
  }

  #onAnswer(answer: PrimaryAnswer): void {
    const { watermarks, margin } = answer;
    this.#followPath(margin);
    this.#answer = answer;
    this.#history = readHistory(margin);
    this.#handlers.primaryAt(watermarks);
    if (margin !== undefined) this.#startLink();
    const held = this.#continued;
    // A primary of ours always sends a snapshot now; the crate's sends nothing when it has nothing.
    if (held !== undefined) this.#continue(held, answer);
    else if (margin === undefined && hasReached([], watermarks)) this.#buildFromFrames();
  }

  /** Throws `REPLICATION_CYCLE`. */
  #followPath(margin: Margin | undefined): void {
    const { relay, address } = this.#options;
    if (relay === undefined) return;
    const path = pathInMargin(margin);
    checkPath(path, relay.nodeId, formatAddress(address));
    relay.follows(path);
  }

  #continue(held: Holding, answer: PrimaryAnswer): void {
    const history = this.#history;
    const own = held.store.watermarks();
    const place = history === undefined ? own : placeIn(history, held.history?.id, own);
    if (place === undefined) {
      // It has read in our margin that what we hold is not its own, and sends a snapshot.
      this.#continued = undefined;
      this.#handlers.startsOver(`the primary has another history, ${history?.id}`);
      return;
    }
    const isOther = history === undefined && held.history !== undefined;
    if (isOther || answer.watermarks.length !== own.length || !hasReached(answer.watermarks, place)) {
      this.#end({ error: historyDiffers(own, answer), claimNothing: true, gap: undefined });
      return;
    }
    if (history !== undefined) {
      held.store.setWatermarks(place);
      this.#continued = { store: held.store, history };
      this.#options.relay?.adopted(history, place);
      this.#handlers.adopted(this.#continued);
    }
    this.#options.recorder?.follow({ history, watermarks: place, content: 'held' });
    if (hasReached(place, answer.watermarks)) this.#goLive();
  }

  #onFrame(frame: SplitFrame): void {
    const { kind } = frame.header;
    const payload = openPayload(frame.header, frame.wirePayload);
    switch (kind) {
      case FrameKind.MutationBatch:
        if (!this.#onBatch(frame, payload)) return;
        break;
      case FrameKind.SnapshotBegin:
        if (this.#staging?.isLoading === true) throw outOfPlace(frame, 'a SnapshotChunk or SnapshotEnd');
        this.#build(Staging.fromSnapshot(payload, this.#createStore(), this.#answer?.margin !== undefined));
        this.#recordNew();
        break;
      case FrameKind.SnapshotChunk:
        this.#loading(frame).load(payload);
        this.#options.tap?.chunk(frame, payload);
        this.#handlers.building(this.#staging?.entries ?? 0);
        break;
      case FrameKind.SnapshotEnd:
        this.#loading(frame).finish(payload);
        this.#swapWhenWhole();
        break;
      case FrameKind.Ack:
        this.#onHeartbeat(decodeWatermarks(payload));
        return;
      default:
        throw outOfPlace(frame, 'a frame of the stream');
    }
    // After it is known to be sound, also when that was the end.
    this.#options.recorder?.offer(keep(frame));
  }

  /** False: it leaves a gap, was not applied, and the session is over. */
  #onBatch(frame: SplitFrame, payload: Uint8Array): boolean {
    if (this.#staging?.isLoading === true && !this.#staging.isInterleaved) {
      throw outOfPlace(frame, 'a SnapshotChunk or SnapshotEnd');
    }
    // The crate's primary, asked by who claims nothing, may begin with its first frame.
    if (this.#continued === undefined && this.#staging === undefined && this.#answer?.margin === undefined) {
      this.#buildFromFrames();
    }
    const store = this.#staging?.store ?? this.#continued?.store;
    if (store === undefined) throw outOfPlace(frame, 'SnapshotBegin');
    const { clock, metrics } = this.#options;
    const startedUs = clock.monotonicUs();
    try {
      const { applied, skipped, lastTimestampMs } = store.apply(payload);
      metrics.batchApplied(applied, skipped, Math.round((clock.monotonicUs() - startedUs) * 1000));
      if (applied > 0) {
        this.#relay(frame, payload, applied);
        this.#cross(store, payload);
        this.#options.tap?.batch(frame, payload);
        this.#handlers.applied(lastTimestampMs);
      }
    } catch (error) {
      if (!(error instanceof FastcacheError) || error.code !== 'SEQUENCE_GAP') throw error;
      this.#end({ error, claimNothing: false, gap: gapOf(payload, store) });
      return false;
    }
    if (this.#staging !== undefined) this.#swapWhenWhole();
    else if (this.#isLive) {
      this.#acks?.applied();
      this.#checkCaughtUp();
    } else this.#goLive();
    return true;
  }

  /** To replicas of what is held; what is being built is not theirs yet. */
  #relay(frame: SplitFrame, payload: Uint8Array, applied: number): void {
    if (this.#staging === undefined) this.#options.relay?.received(keep(frame), payload, applied);
  }

  /** A shard that has come to the end of the history before goes on from the base of this one (history.ts, `placeIn`). */
  #cross(store: ReplicatedStore, payload: Uint8Array): void {
    const history = this.#history;
    if (history?.previous === undefined) return;
    const { shard } = readBatchHead(payload);
    if (store.watermark(shard) !== history.previous.watermarks[shard]) return;
    store.setWatermarks(store.watermarks().map((own, index) => (index === shard ? history.base : own)));
    if (this.#staging === undefined) this.#options.relay?.crossed(shard, history.base);
  }

  /** A list of another length than the answer's tells nothing, and could be of any size. */
  #onHeartbeat(watermarks: ArrayLike<bigint>): void {
    if (watermarks.length === this.#answer?.watermarks.length) this.#handlers.primaryAt(watermarks);
  }

  #loading(frame: SplitFrame): Staging {
    if (this.#staging?.isLoading !== true) throw outOfPlace(frame, 'SnapshotBegin');
    return this.#staging;
  }

  #createStore(): ReplicatedStore {
    return this.#options.createStore(this.#answer?.watermarks.length ?? 1);
  }

  #recordNew(): void {
    const watermarks = (this.#staging ?? this.#continued)?.store.watermarks() ?? [];
    this.#options.recorder?.follow({ history: this.#history, watermarks, content: 'new' });
  }

  #buildFromFrames(): void {
    this.#build(Staging.fromFrames(this.#answer?.watermarks ?? [], this.#createStore()));
    this.#recordNew();
  }

  /** What was being built before gives its memory back first. */
  #build(staging: Staging): void {
    this.#staging = staging;
    this.#options.tap?.began(staging.store.watermarks());
    if (this.#answer !== undefined) this.#handlers.began(this.#answer);
    this.#isLive = false;
    this.#handlers.building(0);
    this.#swapWhenWhole();
  }

  #swapWhenWhole(): void {
    const staging = this.#staging;
    if (staging?.isWhole !== true) return;
    this.#staging = undefined;
    const { store } = staging;
    const heldKeys = this.#held?.store.keyCount() ?? 0;
    if (heldKeys > 0 && store.keyCount() === 0 && this.#options.allowEmptySnapshot !== true) {
      this.#end({ error: emptySnapshot(heldKeys), claimNothing: false, gap: undefined });
      return;
    }
    const holding: Holding = { store, history: this.#history };
    this.#continued = holding;
    this.#options.tap?.whole(staging.store.watermarks());
    this.#handlers.swapped(holding);
    if (!this.#isOver) this.#goLive();
  }

  #goLive(): void {
    if (this.#answer === undefined) return;
    this.#isLive = true;
    this.#acks?.applied();
    this.#handlers.live(this.#answer);
    this.#checkCaughtUp();
  }

  /** From the answer on, so that the primary hears from a replica also while that takes in a snapshot. */
  #startLink(): void {
    const { clock, timers } = this.#options;
    this.#acks = new AckSender({
      clock,
      timers,
      watermarks: () => this.#continued?.store.watermarks() ?? [],
      send: (frame) => this.#conversation.send(frame),
    });
    this.#acks.start();
    this.#watchLink();
  }

  #watchLink(): void {
    const { clock, timers, address } = this.#options;
    this.#watch = new LinkWatch({
      clock,
      timers,
      onDead: (silentMs) =>
        this.#end({ error: deadLink(address, silentMs), claimNothing: false, gap: undefined }),
    });
  }

  #checkCaughtUp(): void {
    if (this.#isCaughtUp || this.#isOver) return;
    const watermarks = this.#continued?.store.watermarks() ?? [];
    if (!hasReached(watermarks, this.#answer?.watermarks ?? [])) return;
    this.#isCaughtUp = true;
    this.#handlers.caughtUp(watermarks);
  }
}

/** The frame's bytes, to be kept: what the splitter does not own is overwritten by the next bytes. */
function keep({ owned, bytes }: SplitFrame): Buffer {
  return owned ? bytes : Buffer.from(bytes);
}
