/**
 * One replica's conversation, on the primary's side (docs/protocol.md, "Conversation" and "Known holes";
 * docs/architecture.md, "Histories"): Hello within its deadline and size, token, answer, bootstrap, then the
 * live stream until either side closes.
 */
import assert from 'node:assert';
import type { Timer } from '../../clock.js';
import { FastcacheError } from '../../errors.js';
import { encodeErrorText } from '../../frame/error-text.js';
import { encodeFrame, openPayload } from '../../frame/frame.js';
import { type DecodedHelloFrame, decodeHelloFrame } from '../../frame/hello.js';
import { FrameKind } from '../../frame/kinds.js';
import { FrameSplitter, type SplitFrame } from '../../frame/splitter.js';
import { HELLO_DEADLINE_MS, HELLO_MAX_BYTES } from '../../limits.js';
import { hostOf } from '../../transport/address.js';
import type { Connection } from '../../transport/connection.js';
import { ackFrame } from '../link/ack-sender.js';
import { keepsContent } from '../link/content-pair.js';
import { fullInMargin } from '../link/full.js';
import { clientProtocol } from '../link/other-protocol.js';
import { type Refusal, refusals } from '../link/refusals.js';
import { takeoverInMargin } from '../link/takeover-pair.js';
import { tokenMatches } from '../link/token.js';
import type { FrameStream } from '../stream/stream.js';
import { isProbe } from '../watermarks.js';
import { Acknowledgements, outOfPlace } from './acknowledgements.js';
import { waitUntilBegun } from './begun-stream.js';
import { ReplicaFeed } from './feed.js';
import { encodeAnswer } from './hello-answer.js';
import { ProbeAnswers } from './probe-answers.js';
import { ReplicaDivergence } from './replica-divergence.js';
import { identityIn, type ReplicaIdentity, type ReplicaInfo, replicaText } from './replica-info.js';
import { ReplicaLink } from './replica-link.js';
import { foreignClaim, isAhead } from './resume.js';
import type { SessionHost, SessionState } from './session-host.js';
import type { SessionOptions } from './session-options.js';

/**
 * One accepted connection, from its first byte to its end. A frame that the conversation does not allow ends
 * it, with an Error frame where the protocol has one; nothing throws at the listener.
 */
export class PrimarySession {
  readonly address: string;
  readonly #connection: Connection;
  readonly #options: SessionOptions;
  readonly #host: SessionHost<PrimarySession>;
  readonly #splitter = new FrameSplitter({ maxPayloadBytes: HELLO_MAX_BYTES });
  #deadline: Timer;
  #state: 'hello' | 'waiting' | 'probe' | 'fed' | 'ending' | 'closed' = 'hello';
  #stream: FrameStream | undefined;
  #feed: ReplicaFeed | undefined;
  /** The answers to a probe of fastcache's; undefined for any other peer. */
  #answers: ProbeAnswers | undefined;
  /** The link to a replica of fastcache's; undefined for any other peer. */
  #link: ReplicaLink | undefined;
  #isOurs = false;
  #keepsContent = true;
  #identity: ReplicaIdentity = {};
  readonly #acks = new Acknowledgements();
  readonly #divergence: ReplicaDivergence;
  /** The history of what the replica holds, if it is foreign to what is served; otherwise undefined. */
  #foreign: string | undefined;
  #heardAtUs: number;

  constructor(connection: Connection, options: SessionOptions, host: SessionHost<PrimarySession>) {
    this.#connection = connection;
    this.#options = options;
    this.#host = host;
    this.address = connection.remoteAddress;
    this.#divergence = new ReplicaDivergence(options);
    this.#heardAtUs = options.clock.monotonicUs();
    this.#deadline = this.#armDeadline();
    connection.handlers = {
      onData: (chunk) => this.#onData(chunk),
      onDrain: () => this.#feed?.drained(),
      onClose: () => this.close(),
    };
  }

  /** The step that the conversation has reached. */
  get state(): SessionState {
    return this.#state === 'fed' ? (this.#feed?.state ?? 'catching-up') : this.#state;
  }

  /** Returns how the replica is now; undefined unless the peer is one. */
  info(): ReplicaInfo | undefined {
    if (this.#state !== 'fed' || this.#feed === undefined) return undefined;
    return {
      ...this.#identity,
      ...this.#feed.info(),
      address: this.address,
      history: this.#isOurs ? this.#stream?.history.id : undefined,
      acknowledged: this.#acks.watermarks,
      sinceAckSeconds: this.#sinceAckSeconds(),
      diverges: this.#divergence.state,
    };
  }

  /** Called about once a second. */
  look(): void {
    this.#feed?.look();
  }

  /** The watermarks that the peer has acknowledged as held; undefined until then, and without content. */
  get acknowledged(): readonly bigint[] | undefined {
    return this.#keepsContent ? this.#acks.watermarks : undefined;
  }

  /** The watermarks that the peer has acknowledged as being on its disk; undefined: none. */
  get synced(): readonly bigint[] | undefined {
    return this.#acks.synced;
  }

  /**
   * Asks a live replica of fastcache's to acknowledge at once all that it was sent; one question is under way
   * at a time. A Rust one is not asked: it sends nothing.
   */
  ask(): void {
    const stream = this.#stream;
    if (stream === undefined || !this.#isOurs || this.state !== 'live') return;
    const published = stream.watermarks();
    if (this.#acks.asks(published)) this.#feed?.insert(ackFrame(published));
  }

  /** Sends a replica a frame that is none of the stream's, behind all that was published. */
  insert(frame: Buffer): void {
    this.#feed?.insert(frame);
  }

  /** Hands a replica that takes digests those of the primary above. */
  relayDigests(frame: Buffer): void {
    this.#link?.relayDigests(frame);
  }

  /** The time at which the peer last sent something, monotonic microseconds. */
  get heardAtUs(): number {
    return this.#heardAtUs;
  }

  /** Throws when something does not hold that always should between two events. */
  invariants(): void {
    assert.equal(this.#feed !== undefined, this.#stream !== undefined, 'a replica is served from one stream');
    if (this.#state === 'fed') this.#feed?.invariants();
  }

  /** Sends what was published to a replica that is sent the stream, then closes; drops any other peer. */
  finish(): void {
    const feed = this.#state === 'fed' ? this.#feed : undefined;
    if (feed?.isStreaming !== true) {
      this.close();
      return;
    }
    this.#link?.stop();
    feed.finish(() => this.close());
  }

  /** Drops the connection and frees what the session holds, at once. */
  close(): void {
    if (this.#state === 'closed') return;
    // A replica of fastcache's that has acknowledged nothing holds nothing that is known of: it may have
    // refused what it was sent.
    const hadContent = this.#isOurs ? this.#acks.holdsSomething : this.state === 'live';
    const last = hadContent && !this.#acks.isLast ? this.info() : undefined;
    if (this.#foreign !== undefined && !hadContent) this.#host.kept(this.#foreign, this.address);
    this.#state = 'closed';
    this.#deadline.cancel();
    this.#link?.stop();
    this.#answers?.stop();
    this.#feed?.stop();
    this.#connection.destroy();
    this.#host.ended(this, last);
  }

  /**
   * Returns whether Redis would count this replica among those that writes need: it has all, and acknowledged
   * at most so many whole seconds ago.
   */
  isGood(maxLagSeconds: number): boolean {
    const hasAll = this.state === 'live' && this.#keepsContent && this.#acks.holdsSomething;
    return hasAll && this.#sinceAckSeconds() <= maxLagSeconds;
  }

  #sinceAckSeconds(): number {
    return Math.floor((this.#options.clock.monotonicUs() - this.#heardAtUs) / 1_000_000);
  }

  /** The deadline by which a peer must have sent its Hello, and one that is to go must be gone. */
  #armDeadline(): Timer {
    return this.#options.timers.after(HELLO_DEADLINE_MS, () => {
      if (this.#state === 'hello') this.#note('sent no Hello in time');
      this.close();
    });
  }

  #onData(chunk: Buffer): void {
    if (this.#isOver()) return;
    this.#link?.heard();
    try {
      this.#splitter.push(chunk, (frame) => this.#onFrame(frame));
    } catch (error) {
      this.#onFault(error, chunk);
    }
  }

  #isOver(): boolean {
    return this.#state === 'ending' || this.#state === 'closed';
  }

  #onFrame(frame: SplitFrame): void {
    if (this.#isOver()) return;
    this.#heardAtUs = this.#options.clock.monotonicUs();
    if (this.#answers !== undefined) this.#answers.hear(frame);
    else if (this.#state !== 'hello') this.#hear(frame);
    else if (frame.header.kind === FrameKind.Hello) this.#greet(frame);
    else this.#refuse(refusals.notHello);
  }

  #onFault(error: unknown, chunk: Buffer): void {
    if (this.#isOver()) return;
    const code = error instanceof FastcacheError ? error.code : undefined;
    const speaksAnother = code === 'FCRP_HELLO_VERSION' || code === 'FCRP_UNSUPPORTED_VERSION';
    if (this.#state === 'hello' && speaksAnother) {
      this.#refuse(refusals.version);
      return;
    }
    const other = this.#state === 'hello' && code === 'FCRP_BAD_MAGIC' ? clientProtocol(chunk) : undefined;
    if (other !== undefined) {
      this.#note(`speaks ${other.name}, and this is the port for replicas`);
      this.#connection.write(other.answer);
      this.#end();
      return;
    }
    this.#note('sent what cannot be read', error instanceof Error ? error.message : String(error));
    this.close();
  }

  #greet(frame: SplitFrame): void {
    const decoded = decodeHelloFrame(frame.header, frame.wirePayload);
    const { token, guesses, timers } = this.#options;
    const waitMs = token === undefined ? 0 : guesses.waitMs(this.address);
    if (waitMs === 0) {
      this.#admit(decoded);
      return;
    }
    if (waitMs === undefined) {
      this.#note('is closed: too many wrong tokens came from its address');
      this.close();
      return;
    }
    this.#wait(decoded, (done) => timers.after(waitMs, () => done(true)));
  }

  /** Has a peer wait for what `plan` waits for; one that waits in vain is to come again. */
  #wait(decoded: DecodedHelloFrame, plan: (done: (mayGoOn: boolean) => void) => Timer): void {
    this.#deadline.cancel();
    this.#state = 'waiting';
    this.#deadline = plan((mayGoOn) => {
      this.#state = 'hello';
      this.#deadline = this.#armDeadline();
      if (mayGoOn) this.#admit(decoded);
      else this.#refuse(refusals.loading);
    });
  }

  #admit(decoded: DecodedHelloFrame): void {
    const { hello, margin } = decoded;
    if (!tokenMatches(this.#options.token, hello.token)) {
      this.#options.guesses.failed(this.address);
      this.#refuse(refusals.token);
      return;
    }
    const claimed = hello.watermarks ?? new BigUint64Array(0);
    const stream = this.#options.stream();
    if (stream === undefined) {
      this.#refuse(refusals.loading);
      return;
    }
    const { begun } = this.#options;
    if (begun?.isBegun === false) {
      this.#wait(decoded, (done) => waitUntilBegun(this.#options.timers, begun, done));
      return;
    }
    if (isProbe(claimed)) {
      this.#greetProbe(stream, margin !== undefined);
      return;
    }
    if (this.#options.isRelay?.() === true && isAhead(stream, claimed, margin)) {
      // The replica need not start over: sooner or later the relay has as much.
      this.#refuse(refusals.behind);
      return;
    }
    this.#isOurs = margin !== undefined;
    this.#keepsContent = keepsContent(margin);
    const { address } = this;
    const identity = identityIn(margin, address);
    this.#identity = identity;
    const takesOverAt = takeoverInMargin(margin, hostOf(address));
    const history = margin?.get('history');
    if (!this.#host.admit(this, { address, ...identity, takesOverAt, history, watermarks: claimed })) {
      this.#refuse(refusals.full);
      return;
    }
    this.#deadline.cancel();
    const full = fullInMargin(margin);
    if (full !== undefined) this.#host.isFull(this, full);
    this.#foreign = foreignClaim(stream, claimed, margin);
    this.#stream = stream;
    stream.flush();
    this.#connection.write(encodeAnswer(stream, this.#options.isFresh()));
    if (this.#isOurs) {
      this.#link = new ReplicaLink({
        ...this.#options,
        connection: this.#connection,
        stream,
        insert: (frame) => this.#feed?.insert(frame),
        takesDigestsNow: () => this.#feed?.takesDigestsNow === true,
        onDead: (silentMs) => {
          this.#note(`has sent nothing for ${silentMs} ms: the link is dead and is dropped`);
          this.close();
        },
      });
    }
    this.#feed = new ReplicaFeed({
      ...this.#options,
      stream,
      connection: this.#connection,
      cutOff: (reason) => {
        this.#note(`is cut off: ${reason}`);
        this.close();
      },
    });
    this.#state = 'fed';
    this.#feed.start(replicaText({ ...identity, address }), claimed, margin);
  }

  /**
   * Answers a probe, which takes no slot. One of fastcache's may ask for more; any other is gone by the
   * deadline at the latest.
   */
  #greetProbe(stream: FrameStream, isOurs: boolean): void {
    if (isOurs) stream.flush();
    this.#connection.write(encodeAnswer(stream, this.#options.isFresh()));
    if (!isOurs) {
      this.#end();
      return;
    }
    this.#deadline.cancel();
    this.#state = 'probe';
    this.#answers = new ProbeAnswers({
      ...this.#options,
      connection: this.#connection,
      forget: (which) => this.#host.forget(which),
      onIdle: () => this.close(),
    });
  }

  /** Reads what a replica sends later: Acks, a Leave as the last of them, and what it says of failovers. */
  #hear(frame: SplitFrame): void {
    if (this.#state === 'waiting') throw outOfPlace(frame);
    const { kind } = frame.header;
    if (this.#isOurs && (kind === FrameKind.Failover || kind === FrameKind.Digests)) {
      const payload = openPayload(frame.header, frame.wirePayload);
      if (kind === FrameKind.Failover) this.#host.heardOfFailover(this, payload);
      else if (this.#divergence.heard(payload, this.#text)) this.#feed?.renew();
      return;
    }
    const asksAgain = this.#acks.read(frame);
    this.#feed?.acknowledged();
    this.#host.acknowledged(this, this.#acks.holdsSomething);
    if (this.#acks.isLast) {
      this.#options.log.info(`replica ${this.#text} leaves, as it says`);
      this.close();
    } else if (asksAgain) this.ask();
  }

  #refuse(text: Refusal): void {
    this.#note(`is refused: ${text}`);
    this.#connection.write(encodeFrame(FrameKind.Error, encodeErrorText(text)));
    this.#end();
  }

  /** Closes once what was written is sent; the deadline, which still runs, sees to it that it ends. */
  #end(): void {
    this.#state = 'ending';
    this.#connection.end();
  }

  get #text(): string {
    return replicaText({ ...this.#identity, address: this.address });
  }

  /** Logs what the peer has done; lines about strangers are limited in number, whatever their details. */
  #note(what: string, detail?: string): void {
    const line = `replica ${this.#text} ${what}${detail === undefined ? '' : `: ${detail}`}`;
    if (this.#feed === undefined) this.#options.strangers.warn(what, line);
    else this.#options.log.warn(line);
  }
}
