/**
 * Copies frames to a dump (`--record`): the bytes that a socket carried and, wherever a history begins or a
 * connection continues behind half a snapshot, a Hello, so that the dump says what its frames are
 * (history-course.ts). It never slows or breaks the stream that it records: when its file faults or falls too
 * far behind, the recording ends, and that is reported once.
 */
import { FastcacheError } from '../../errors.js';
import type { FrameSink } from '../../files/frame-sink.js';
import { encodeHelloFrame } from '../../frame/hello.js';
import { FrameKind } from '../../frame/kinds.js';
import { type History, recordedPairs } from '../history.js';
import { Ring } from '../stream/ring.js';

/** Offset of a frame's kind in its header. */
const KIND_OFFSET = 5;

/** Where a recording is written, and how much may wait for it. */
export interface RecorderOptions {
  sink: FrameSink;
  /** Frame bytes that may wait for the sink. */
  maxQueuedBytes: number;
  /** Bytes of a dump that is continued; absent: 0. */
  bytesBefore?: number;
  /** Whether the file has a dump, which is left as it is until the first frame comes; absent: false. */
  hasDump?: boolean;
  /** Called once, with `WRITE_FAILED`, when the recording ends before its time. */
  onFault(error: FastcacheError): void;
}

/** The position of a recording when frames of another history, or of another connection, are to come. */
export interface RecordedStream {
  /** The history of the frames; undefined for a Rust primary's, which has none. */
  history: History | undefined;
  /** The position of each shard before the frames that come. */
  watermarks: readonly bigint[];
  /**
   * `new`: new content comes; `held`: the content continues; `promoted`: it continues in a history that
   * begins with it, by a promotion.
   */
  content: 'new' | 'held' | 'promoted';
}

/** Writes the frames of a stream to a sink, in the order in which they are offered. */
export class Recorder {
  /** Called when the recorder has room again; undefined while nobody waits for that. */
  onRoom: (() => void) | undefined;
  readonly #options: RecorderOptions;
  #sink: FrameSink;
  readonly #queue = new Ring<Buffer>();
  #queuedBytes = 0;
  #bytes: number;
  #blocked = false;
  /** The recording has ended and takes nothing more. */
  #ended = false;
  #fault: FastcacheError | undefined;
  /** The history id of the last Hello that was written; undefined: none was written. */
  #stream: { id: string | undefined } | undefined;
  #isInSnapshot = false;
  /** The recording has begun; until then frames wait. */
  #isBegun = false;
  /** The file has a dump that no frame has touched yet. */
  #isUntouched: boolean;
  /** The Hellos that go before the first frame to touch it. */
  #hellos: Buffer[] = [];

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#bytes = options.bytesBefore ?? 0;
    this.#isUntouched = options.hasDump ?? false;
    this.#sink = this.#handled(options.sink);
  }

  /** The sink that it writes to. */
  get sink(): FrameSink {
    return this.#sink;
  }

  /** The dump's length in bytes with all that was offered. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Frame bytes that wait for the sink. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Whether the sink takes bytes at once. */
  get hasRoom(): boolean {
    return this.#isBegun && !this.#blocked && !this.#ended && this.#queue.length === 0;
  }

  /** Bytes that the sink has taken and not written yet. */
  get unwrittenBytes(): number {
    return this.#sink.unwrittenBytes;
  }

  /**
   * Begins the dump, and writes what was offered before; `sink` takes the place of the one that was given, if
   * it is another one. To be called once nothing else can keep the recording from its start: until then the
   * file is left as it is. Throws `WRITE_FAILED`.
   */
  begin(sink: FrameSink = this.#sink): void {
    this.#sink = this.#handled(sink);
    if (!this.#isUntouched) this.#sink.begin();
    this.#isBegun = true;
    this.#drain();
  }

  /**
   * Describes the frames that are offered next by a Hello; writes nothing where the frames before leave no
   * doubt.
   */
  follow({ history, watermarks, content }: RecordedStream): void {
    if (this.#isClear(history, content)) return;
    this.#stream = { id: history?.id };
    this.#isInSnapshot = false;
    const margin = history && new Map(recordedPairs(history, content === 'promoted'));
    const hello = encodeHelloFrame({ role: 'replica', watermarks }, { margin });
    if (!this.#isUntouched) this.#write(hello);
    // A history that continues another one is nothing without that one's Hello.
    else this.#hellos = content === 'new' ? [hello] : [...this.#hellos, hello];
  }

  /**
   * Whether the next frames need no Hello: new content of a history begins with a SnapshotBegin, but that of
   * a Rust primary may begin with its first frame.
   */
  #isClear(history: History | undefined, content: RecordedStream['content']): boolean {
    if (this.#stream === undefined || this.#stream.id !== history?.id) return false;
    return content === 'new' ? history !== undefined : !this.#isInSnapshot;
  }

  /** Takes a whole frame of the stream. Its bytes must not change. */
  offer(frame: Buffer): void {
    const kind = frame[KIND_OFFSET];
    if (kind === FrameKind.SnapshotBegin) this.#isInSnapshot = true;
    else if (kind === FrameKind.SnapshotEnd) this.#isInSnapshot = false;
    if (this.#isUntouched) this.#touch();
    this.#write(frame);
  }

  /** Takes the next bytes of batches, in whatever pieces; they must not change while they are unwritten. */
  append(piece: Buffer): void {
    if (this.#isUntouched) this.#touch();
    this.#write(piece);
  }

  /** Has the first frame go into the dump that is there, or in its place. */
  #touch(): void {
    if (this.#ended) return;
    this.#isUntouched = false;
    if (this.#isBegun) this.#beginSink();
    for (const hello of this.#hellos.splice(0)) this.#write(hello);
  }

  #beginSink(): void {
    try {
      this.#sink.begin();
    } catch (cause) {
      this.#fail(`The recording failed: ${(cause as Error).message}`, cause);
    }
  }

  #write(frame: Buffer): void {
    if (this.#ended) return;
    this.#bytes += frame.length;
    if (this.#isBegun && !this.#blocked) {
      this.#blocked = !this.#sink.write(frame);
      return;
    }
    if (this.#queuedBytes + frame.length > this.#options.maxQueuedBytes) {
      // A dump with a hole in it would be worse than one that ends.
      this.overflowed();
      return;
    }
    this.#queue.push(frame);
    this.#queuedBytes += frame.length;
  }

  /** Ends the recording, because more waits for its file than may. */
  overflowed(): void {
    this.interrupt('its file cannot keep up with the stream');
  }

  /** Ends the recording, because the stream does not continue; `reason` says in words why. */
  interrupt(reason: string): void {
    if (!this.#ended) this.#fail(`The recording was stopped: ${reason}.`);
  }

  /**
   * Resolves when all that was offered is on the disk; frames that wait are written at once. Rejects with the
   * fault that prevents it.
   */
  async flush(): Promise<void> {
    this.#writeQueue();
    await this.#sink.sync();
  }

  /** Returns the digest of the dump's first `bytes` bytes, which are on the disk. Throws `WRITE_FAILED`. */
  digest(bytes: number): string {
    return this.#sink.digest(bytes);
  }

  /**
   * Writes what waits and closes the sink. Rejects with the fault that ended the recording before its time.
   */
  async end(): Promise<void> {
    if (!this.#ended) {
      this.#ended = true;
      this.#writeQueue();
    }
    await this.#sink.end();
    if (this.#fault !== undefined) throw this.#fault;
  }

  #writeQueue(): void {
    if (!this.#isBegun) this.#queue.clear();
    for (let frame = this.#queue.shift(); frame !== undefined; frame = this.#queue.shift()) {
      this.#queuedBytes -= frame.length;
      this.#sink.write(frame);
    }
  }

  #handled(sink: FrameSink): FrameSink {
    sink.handlers = {
      onDrain: () => this.#drain(),
      onFault: (cause) => this.#fail(`The recording failed: ${cause.message}.`, cause),
    };
    return sink;
  }

  #drain(): void {
    this.#blocked = false;
    while (!this.#blocked && !this.#ended) {
      const frame = this.#queue.shift();
      if (frame === undefined) {
        this.onRoom?.();
        return;
      }
      this.#queuedBytes -= frame.length;
      this.#blocked = !this.#sink.write(frame);
    }
  }

  #fail(message: string, cause?: unknown): void {
    if (this.#fault !== undefined) return;
    this.#fault = new FastcacheError('WRITE_FAILED', message, { cause });
    this.#ended = true;
    this.#queue.clear();
    this.#queuedBytes = 0;
    this.#options.onFault(this.#fault);
  }
}
