/**
 * Builds a snapshot of a dump beside the content that is held; it replaces that when it is whole and of one
 * moment (docs/protocol.md, "Conversation"). In the classic form the chunks come alone, and the batches
 * behind the SnapshotEnd bring them to the moment that the last chunk names; between fastcache's own peers
 * batches and chunks come in one order, and it is the moment of the SnapshotEnd (docs/architecture.md,
 * "Bootstrap").
 */
import type { FollowedStore } from '../../engine/types.js';
import { decodeSnapshotChunk } from '../../frame/snapshot.js';
import type { SnapshotFraming } from '../../frame/snapshot-framing.js';
import { hasReached } from '../../replication/watermarks.js';
import type { ComingContent } from './coming-content.js';

type Watermarks = ArrayLike<bigint>;

/** The parts that a snapshot is built with. */
export interface SnapshotBuildOptions<Store> {
  /** The framing, which has just begun with this snapshot. */
  framing: SnapshotFraming;
  /** The dump's name, for faults. */
  file: string;
  /** Creates an empty store of the snapshot's shards. Throws `OUT_OF_MEMORY`. */
  createStore(): Store;
  /** Makes room for what will come. */
  coming: ComingContent;
}

/** One snapshot, from its SnapshotBegin until its content is whole. */
export class SnapshotBuild<Store extends FollowedStore = FollowedStore> {
  readonly shards: number;
  /** The byte offset of its SnapshotBegin. */
  readonly offset: number;
  readonly file: string;
  readonly #begun: Watermarks;
  readonly #createStore: () => Store;
  readonly #framing: SnapshotFraming;
  readonly #coming: ComingContent;
  #store: Store | undefined;
  /** The watermarks that must be reached before the content is of one moment. */
  #targets: Watermarks[] = [];
  #isEnded = false;
  /** Whether a record of a batch has been applied. */
  hasRecords = false;

  /** `begun` holds the watermarks of the SnapshotBegin. */
  constructor(begun: Watermarks, { framing, file, createStore, coming }: SnapshotBuildOptions<Store>) {
    this.shards = begun.length;
    this.offset = framing.beginOffset;
    this.file = file;
    this.#begun = begun;
    this.#createStore = createStore;
    this.#framing = framing;
    this.#coming = coming;
  }

  /**
   * The store, created when the first frame needs it: a dump may hold more SnapshotBegins than there can be
   * stores.
   */
  get store(): Store {
    if (this.#store === undefined) {
      this.#store = this.#createStore();
      this.#store.setWatermarks(Array.from(this.#begun));
    }
    return this.#store;
  }

  /** Returns the store, if any frame has needed one. */
  madeStore(): Store | undefined {
    return this.#store;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  get isWhole(): boolean {
    const watermarks = this.store.watermarks();
    return this.#isEnded && this.#targets.every((target) => hasReached(watermarks, target));
  }

  /** Loads the payload of a SnapshotChunk. Throws `SNAPSHOT_OUT_OF_ORDER`, `FCRP_*`, `OUT_OF_MEMORY`. */
  load(payload: Uint8Array): void {
    const chunk = decodeSnapshotChunk(payload);
    const fault = this.#framing.chunk(chunk);
    if (fault !== undefined) throw fault;
    this.#coming.add(this.store, chunk.entryCount, payload.length);
    this.store.loadChunk(payload);
    // The last chunk names where the scan ended: until then entries may be ahead of the records.
    if (chunk.last && hasReached(chunk.watermarks, this.#begun)) this.#targets.push(chunk.watermarks);
  }

  /** Takes the watermarks of the SnapshotEnd. Throws `SNAPSHOT_OUT_OF_ORDER`. */
  end(watermarks: Watermarks): void {
    const fault = this.#framing.end(watermarks);
    if (fault !== undefined) throw fault;
    this.#targets.push(watermarks);
    this.#isEnded = true;
  }
}
