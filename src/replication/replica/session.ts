/**
 * One conversation with a primary, on the replica's side (docs/protocol.md, "Conversation";
 * docs/architecture.md, "Histories"): claims the held content, decides from the answer which frames may come,
 * applies them, and hands over new content when it is whole.
 *
 * The progress of a session is the phase of the follower's machine (follower-machine.ts), to which this
 * raises the events between `opened` and the end of a session. The frames that a phase allows are decided
 * here:
 *
 *     awaiting    SnapshotBegin, and from a Rust primary a batch
 *     resuming    SnapshotBegin, a batch
 *     replaying   SnapshotBegin, a batch
 *     loading     SnapshotChunk, SnapshotEnd, and from a fastcache primary a batch
 *     behind      SnapshotBegin, a batch
 * `reloading` is as `loading`, `level` as `behind`; heartbeats and messages may come behind the answer.
 */
import assert from 'node:assert/strict';
import type { FollowedStore, ReplicatedStore } from '../../engine/types.js';
import { FastcacheError } from '../../errors.js';
import { readBatchHead } from '../../frame/batch.js';
import { openPayload } from '../../frame/frame.js';
import { FrameKind } from '../../frame/kinds.js';
import type { Margin } from '../../frame/margin.js';
import { keptBytes, type SplitFrame } from '../../frame/splitter.js';
import { decodeWatermarks } from '../../frame/watermarks.js';
import { formatAddress } from '../../transport/address.js';
import { type History, isAtEnd, placeIn, readHistory } from '../history.js';
import type { PrimaryAnswer } from '../link/conversation.js';
import { keysInMargin } from '../link/key-count.js';
import { checkPath, pathInMargin } from '../link/path.js';
import { hasReached } from '../watermarks.js';
import {
  type FollowerEvent,
  type FollowerMachine,
  hasSession,
  isBuilding,
  isLive,
  isLoading,
} from './follower-machine.js';
import { ForeignRule } from './foreign-history.js';
import { gapOf } from './gap-policy.js';
import { HeldClaim, helloOf } from './held-claim.js';
import type { Holding } from './holding.js';
import { PrimaryLink } from './primary-link.js';
import { endFor, historyDiffers, outOfPlace } from './session-faults.js';
import type { ReplicaSessionHandlers, ReplicaSessionOptions, SessionEnd } from './session-options.js';
import { Staging } from './staging.js';

/** New content that is not whole yet. */
interface Building<S> {
  staging: Staging;
  /** The store that `staging` fills. */
  store: S;
  /** The bytes of the connection before the content's first. */
  offset: number;
}

/**
 * Made while the machine is `connecting`. `start` begins it; it ends once, with `ended`, or is ended by its
 * owner with `close`. Handlers and effects may close it at any time.
 */
export class ReplicaSession<S extends FollowedStore = ReplicatedStore> {
  readonly #options: ReplicaSessionOptions<S>;
  readonly #machine: FollowerMachine;
  readonly #handlers: ReplicaSessionHandlers;
  readonly #link: PrimaryLink;
  /** The content that the follower holds, continued or not. */
  #held: Holding<S> | undefined;
  /** The held content, once claimed, until the answer shows that this primary does not continue it. */
  #continued: Holding<S> | undefined;
  /** The claim about it; undefined: none. */
  readonly #claim: HeldClaim<S> | undefined;
  #building: Building<S> | undefined;
  /** True when new content has come, and the held content was kept instead. */
  #hasRefused = false;
  readonly #rule: ForeignRule;
  #answer: PrimaryAnswer | undefined;
  /** The primary's history; undefined: it has none, or has not answered. */
  #history: History | undefined;

  /** Claims `held`, to be continued, unless the machine's claim is `nothing`, so that new content comes. */
  constructor(
    options: ReplicaSessionOptions<S>,
    held: Holding<S> | undefined,
    machine: FollowerMachine,
    handlers: ReplicaSessionHandlers,
  ) {
    this.#claim = machine.claim === 'nothing' ? undefined : HeldClaim.of(held);
    this.#continued = this.#claim?.holding;
    this.#options = options;
    this.#machine = machine;
    this.#handlers = handlers;
    this.#held = held;
    this.#rule = new ForeignRule(options, held);
    const keepsFrames = options.recorder !== undefined;
    const watermarks = () => this.#continued?.store.watermarks() ?? [];
    const compared = () => ({ held: this.#continued?.store, building: this.#building?.store });
    this.#link = new PrimaryLink(
      { ...options, hello: helloOf(this.#claim, options), keepsFrames, watermarks, compared },
      {
        connected: () => this.#raise('opened'),
        heard: (bytes) => handlers.heard(bytes),
        answered: (answer) => this.#onAnswer(answer),
        frame: (frame) => this.#onFrame(frame),
        ended: (error) => this.#end(endFor(error, options.address, this.#appliesToHeld)),
      },
    );
  }

  /** The primary's answer, which must have come. */
  get answer(): PrimaryAnswer {
    assert(this.#answer !== undefined, 'the primary has not answered');
    return this.#answer;
  }

  /** The held content as this primary continues it, which it must do. */
  get continued(): Holding<S> {
    assert(this.#continued !== undefined, 'nothing is continued');
    return this.#continued;
  }

  /** How far new content is: the entries that have come of it, and the keys that the primary said it has. */
  get progress(): { entries: number; primaryKeys: number | undefined } {
    const entries = this.#building?.staging.entries ?? 0;
    return { entries, primaryKeys: keysInMargin(this.answer.margin) };
  }

  /** The bytes of the connection before new content's first; undefined while none is built. */
  get contentOffset(): number | undefined {
    return this.#building?.offset;
  }

  /** Asserts what holds between events, whatever has come. */
  invariants(): void {
    const { phase } = this.#machine;
    assert(hasSession(phase), `a session while ${phase}`);
    const isAnswered = phase !== 'connecting' && phase !== 'greeting';
    assert.equal(this.#answer !== undefined, isAnswered, `the primary's answer while ${phase}`);
    assert.equal(this.#building !== undefined, isBuilding(phase), `content is built while ${phase}`);
    assert.equal(this.#building?.staging.isLoading ?? false, isLoading(phase), `a snapshot while ${phase}`);
    if (phase === 'awaiting') assert.equal(this.#continued, undefined, 'what is continued is not awaited');
    if (phase === 'resuming' || isLive(phase)) {
      assert(
        this.#continued !== undefined && this.#continued === this.#held,
        `nothing is held while ${phase}`,
      );
    }
    this.#link.invariants(this.#answer?.margin !== undefined);
  }

  /** Connects; a tap must have room for what comes. */
  start(): void {
    this.#options.metrics.linkAttempts += 1;
    this.#link.start();
  }

  /**
   * Drops the connection and what was not whole, on purpose or for a fault; no handler is called any more. To
   * be called once, unless it has ended.
   */
  close(isOnPurpose = false): void {
    this.#building = undefined;
    this.#link.close(isOnPurpose);
  }

  get #appliesToHeld(): boolean {
    return this.#building === undefined && this.#continued !== undefined;
  }

  #end(end: SessionEnd): void {
    if (this.#isOver()) return;
    if (isLive(this.#machine.phase)) this.#options.metrics.linkLosses += 1;
    this.close();
    this.#handlers.ended(end);
  }

  /** Returns whether the owner has left meanwhile, as any handler or effect may have it do. */
  #isOver(): boolean {
    return !hasSession(this.#machine.phase);
  }

  #raise(event: FollowerEvent): void {
    if (!this.#isOver()) this.#machine.raise(event);
  }

  #onAnswer(answer: PrimaryAnswer): void {
    const { watermarks, margin } = answer;
    this.#followPath(margin);
    this.#answer = answer;
    this.#history = readHistory(margin);
    this.#handlers.primaryAt(watermarks);
    if (margin !== undefined) this.#link.keepAlive(margin);
    if (this.#refuses(this.#rule.answered(answer, this.#history))) return;
    const claimed = this.#continued;
    if (claimed !== undefined) this.#continue(claimed, answer);
    else {
      this.#raise('renews');
      // A fastcache primary always sends a snapshot now; a Rust primary sends nothing when it has nothing.
      if (margin === undefined && hasReached([], watermarks)) this.#replay();
    }
  }

  /** Hands the primary's path to the relay. Throws `REPLICATION_CYCLE`. */
  #followPath(margin: Margin | undefined): void {
    const { relay, address } = this.#options;
    if (relay === undefined) return;
    const path = pathInMargin(margin);
    checkPath(path, relay.nodeId, formatAddress(address));
    relay.follows(path);
  }

  #continue(claimed: Holding<S>, answer: PrimaryAnswer): void {
    const history = this.#history;
    const own = claimed.store.watermarks();
    const place = history === undefined ? own : placeIn(history, claimed.history?.id, own);
    if (place === undefined) {
      // The primary has read in the margin that what is held here is not its own, and sends a snapshot.
      this.#continued = undefined;
      this.#handlers.startsOver(`the primary has another history, ${history?.id}`);
      this.#raise('renews');
      return;
    }
    const isOther = history === undefined && claimed.history !== undefined;
    if (isOther || answer.watermarks.length !== own.length || !hasReached(answer.watermarks, place)) {
      throw historyDiffers(own, answer);
    }
    if (history !== undefined) {
      claimed.store.setWatermarks(place);
      this.#held = this.#continued = { store: claimed.store, history };
      this.#options.relay?.adopted(history, place);
    }
    this.#options.recorder?.follow({ history, watermarks: place, content: 'held' });
    this.#raise('continues');
    if (this.#claim?.isOpen === false && hasReached(place, answer.watermarks)) this.#goLive();
  }

  #onFrame(frame: SplitFrame): void {
    const payload = openPayload(frame.header, frame.wirePayload);
    switch (frame.header.kind) {
      case FrameKind.MutationBatch:
        if (!this.#onBatch(frame, payload)) return;
        break;
      case FrameKind.SnapshotBegin:
        if (isLoading(this.#machine.phase)) throw outOfPlace(frame, 'a SnapshotChunk or SnapshotEnd');
        this.#load(frame, payload);
        break;
      case FrameKind.SnapshotChunk:
        this.#loading(frame).load(payload);
        if (this.progress.entries > 0 && this.#refuses(this.#rule.judge(this.progress.entries))) return;
        this.#options.tap?.chunk(frame, payload);
        this.#raise('chunkLoaded');
        break;
      case FrameKind.SnapshotEnd:
        this.#loading(frame).finish(payload);
        this.#swapWhenWhole();
        // Refused content is not whole in a dump either, for the next frames continue the held content.
        if (this.#hasRefused) return;
        break;
      case FrameKind.Ack:
        this.#onHeartbeat(decodeWatermarks(payload));
        return;
      default:
        throw outOfPlace(frame, 'a frame of the stream');
    }
    // The frame is recorded behind the checks, so that it is known to be sound; also when it has ended the
    // session.
    this.#options.recorder?.offer(keptBytes(frame));
  }

  /** Applies a batch. Returns false when it leaves a gap and was not applied, and the session is over. */
  #onBatch(frame: SplitFrame, payload: Uint8Array): boolean {
    if (isLoading(this.#machine.phase) && this.#building?.staging.isInterleaved === false) {
      throw outOfPlace(frame, 'a SnapshotChunk or SnapshotEnd');
    }
    // A Rust primary to which nothing is claimed may begin with its first frame.
    if (this.#machine.phase === 'awaiting' && this.#answer?.margin === undefined) this.#replay();
    const store = this.#building?.store ?? this.#continued?.store;
    if (store === undefined) throw outOfPlace(frame, 'SnapshotBegin');
    if (store === this.#claim?.holding.store) this.#claim.check(payload);
    const { clock, metrics, tap } = this.#options;
    const startedUs = clock.monotonicUs();
    try {
      const { applied, skipped, lastTimestampMs } = store.apply(payload);
      metrics.batchApplied(applied, skipped, Math.round((clock.monotonicUs() - startedUs) * 1000));
      if (applied > 0) {
        this.#handOn(store, frame, payload, applied);
        tap?.batch(frame, payload);
        this.#handlers.applied(lastTimestampMs);
      }
    } catch (error) {
      if (!(error instanceof FastcacheError) || error.code !== 'SEQUENCE_GAP') throw error;
      this.#end({ error, claimNothing: false, gap: gapOf(error, store) });
      return false;
    }
    if (this.#building !== undefined) this.#swapWhenWhole();
    else if (isLive(this.#machine.phase)) {
      this.#link.applied();
      this.#checkLevel();
    } else this.#goLive();
    return true;
  }

  /**
   * Hands the batch on to replicas of the held content (new content is not theirs yet), and moves a shard
   * that has come to the end of the history before to the base of this one (history.ts, `isAtEnd`).
   */
  #handOn(store: S, frame: SplitFrame, payload: Uint8Array, applied: number): void {
    const history = this.#history;
    const relay = this.#building === undefined ? this.#options.relay : undefined;
    if (relay === undefined && history?.previous === undefined) return;
    const head = readBatchHead(payload);
    const { shard } = head;
    const watermark = store.watermark(shard);
    relay?.received({ frame: frame.bytes, head, applied, watermark });
    if (history === undefined || !isAtEnd(history.previous, shard, watermark)) return;
    store.setWatermarks(store.watermarks().map((own, index) => (index === shard ? history.base : own)));
    relay?.crossed(shard, history.base);
  }

  /** Reads a heartbeat; a list of another length than the answer's says nothing, and could be of any size. */
  #onHeartbeat(watermarks: ArrayLike<bigint>): void {
    if (watermarks.length === this.#answer?.watermarks.length) this.#handlers.primaryAt(watermarks);
    this.#link.asked();
  }

  #loading(frame: SplitFrame): Staging {
    const building = this.#building;
    if (building === undefined || !isLoading(this.#machine.phase)) throw outOfPlace(frame, 'SnapshotBegin');
    return building.staging;
  }

  /** Builds new content from a SnapshotBegin on. */
  #load(frame: SplitFrame, payload: Uint8Array): void {
    const store = this.#createStore();
    const staging = Staging.fromSnapshot(payload, store, this.answer.margin !== undefined);
    this.#build('snapshotBegun', { staging, store, offset: frame.offset });
  }

  /** Builds new content from the first sequences on. */
  #replay(): void {
    const { watermarks, endOffset } = this.answer;
    const store = this.#createStore();
    this.#build('replayBegun', { staging: Staging.fromFrames(watermarks, store), store, offset: endOffset });
  }

  /** Makes the store of new content; a store that was being built before gives its memory back first. */
  #createStore(): S {
    this.#building = undefined;
    return this.#options.createStore(this.answer.watermarks.length);
  }

  #build(begun: 'snapshotBegun' | 'replayBegun', building: Building<S>): void {
    this.#building = building;
    const watermarks = building.store.watermarks();
    this.#options.tap?.began(watermarks);
    this.#raise(begun);
    if (this.#isOver()) return;
    // This comes behind the event: from there on, records of content that is not whole count for nothing.
    this.#options.recorder?.follow({ history: this.#history, watermarks, content: 'new' });
    this.#swapWhenWhole();
  }

  #swapWhenWhole(): void {
    const building = this.#building;
    if (building?.staging.isWhole !== true) return;
    this.#building = undefined;
    const { store } = building;
    if (this.#refuses(this.#rule.judge(store.keyCount()))) return;
    this.#held = this.#continued = { store, history: this.#history, from: this.#options.address };
    this.#rule.replaced(this.#held);
    this.#options.tap?.whole(store.watermarks());
    this.#raise('whole');
    this.#acknowledge();
  }

  /** Ends the session with the error, if there is one, for what is held is kept; returns whether it did. */
  #refuses(error: FastcacheError | undefined): boolean {
    if (error === undefined) return false;
    this.#hasRefused = true;
    this.#end({ error, claimNothing: false, gap: undefined });
    return true;
  }

  #goLive(): void {
    this.#raise('follows');
    this.#acknowledge();
  }

  #acknowledge(): void {
    if (this.#isOver()) return;
    this.#link.applied();
    this.#checkLevel();
  }

  #checkLevel(): void {
    if (this.#machine.phase !== 'behind') return;
    if (hasReached(this.continued.store.watermarks(), this.answer.watermarks)) this.#raise('reached');
  }
}
