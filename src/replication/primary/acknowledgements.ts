/**
 * The acknowledgements of one replica, and the question for them (docs/protocol.md, "Acks"). One question is
 * under way at a time, however many clients wait.
 */
import { FastcacheError } from '../../errors.js';
import { openPayload } from '../../frame/frame.js';
import { FrameKind, frameKindName } from '../../frame/kinds.js';
import type { SplitFrame } from '../../frame/splitter.js';
import { decodeAck } from '../../frame/watermarks.js';
import { hasReached } from '../watermarks.js';

/** A replica, as those see it who wait for what it acknowledges. */
export interface AckedReplica {
  /** The watermarks that it has acknowledged as held; undefined until it does, and of one without content. */
  readonly acknowledged: readonly bigint[] | undefined;
  /** The watermarks that it has acknowledged as being on its disk; undefined: none. */
  readonly synced: readonly bigint[] | undefined;
}

/** The Acks of one replica. */
export class Acknowledgements {
  #watermarks: bigint[] | undefined;
  #synced: bigint[] | undefined;
  /** The watermarks that it was asked to acknowledge and has not; undefined: it is not being asked. */
  #asked: readonly bigint[] | undefined;
  /** Whether it is to be asked once more when it has answered, for what was written since. */
  #asksAgain = false;
  #isLast = false;

  /**
   * The watermarks that it has acknowledged as applied; undefined until it does, empty while it holds
   * nothing.
   */
  get watermarks(): bigint[] | undefined {
    return this.#watermarks;
  }

  /** The watermarks that it has acknowledged as being on its disk; undefined: none. */
  get synced(): bigint[] | undefined {
    return this.#synced;
  }

  /** Whether the last one said that the replica goes on purpose. */
  get isLast(): boolean {
    return this.#isLast;
  }

  /** Whether it has acknowledged that it holds something. */
  get holdsSomething(): boolean {
    return this.#watermarks !== undefined && this.#watermarks.length > 0;
  }

  /**
   * Returns whether it must be sent a question for `published` now; else it is asked when it has answered.
   */
  asks(published: readonly bigint[]): boolean {
    this.#asksAgain = this.#asked !== undefined;
    if (this.#asksAgain) return false;
    this.#asked = published;
    return true;
  }

  /**
   * Reads an Ack or a Leave. Returns whether the replica is to be asked once more. Throws FRAME_OUT_OF_PLACE
   * for a frame of another kind, and `FCRP_*`.
   */
  read(frame: SplitFrame): boolean {
    this.#isLast = frame.header.kind === FrameKind.Leave;
    if (frame.header.kind !== FrameKind.Ack && !this.#isLast) throw outOfPlace(frame);
    const { applied, synced } = decodeAck(openPayload(frame.header, frame.wirePayload));
    this.#watermarks = Array.from(applied);
    this.#synced = synced && Array.from(synced);
    // An Ack that was on its way before the question does not answer it.
    if (this.#asked === undefined || !hasReached(this.#watermarks, this.#asked)) return false;
    this.#asked = undefined;
    return this.#asksAgain;
  }
}

/** Makes FRAME_OUT_OF_PLACE, for a frame behind a Hello that is no Ack, or that comes before the answer. */
export function outOfPlace({ header, offset }: SplitFrame): FastcacheError {
  const found = frameKindName(header.kind);
  return new FastcacheError(
    'FRAME_OUT_OF_PLACE',
    `A replica sent a frame of kind ${found} after its Hello.`,
    {
      expected: 'Ack',
      found,
      offset,
    },
  );
}
