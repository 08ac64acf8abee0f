/** The sink of a dump that has an index beside it, which is made of the bytes as they are written. */
import { openFileSink } from '../files/file-sink.js';
import type { FrameSink, FrameSinkHandlers } from '../files/frame-sink.js';
import { indexPath } from '../frame/index-entry.js';
import { makeIndex, refuseOtherFile } from './index-file.js';
import { Indexer } from './indexer.js';

/** How an indexed dump begins. */
export interface IndexedSinkOptions {
  /** Bytes of the dump that are continued; 0: it begins anew. */
  keptBytes: number;
  /** The mode of an index that is made; 0o600 when absent. */
  mode?: number | undefined;
}

/**
 * Returns the sink of a dump, which has not begun, with an index; first the index is made of the bytes that
 * are continued, as far as it lacks them. Throws READ_FAILED, WRITE_FAILED.
 */
export async function indexedSink(
  dump: string,
  sink: FrameSink,
  { keptBytes, mode }: IndexedSinkOptions,
): Promise<FrameSink> {
  await refuseOtherFile(indexPath(dump));
  if (keptBytes > 0) await makeIndex(dump, { limit: keptBytes, mode });
  return new IndexedSink(sink, keptBytes, () =>
    openFileSink(indexPath(dump), { mode, appends: keptBytes > 0 }),
  );
}

class IndexedSink implements FrameSink {
  handlers: FrameSinkHandlers = { onDrain() {}, onFault() {} };
  readonly #dump: FrameSink;
  readonly #openIndex: () => FrameSink;
  readonly #indexer: Indexer;
  #index: FrameSink | undefined;
  #isDumpFull = false;
  #isIndexFull = false;
  #hasFault = false;

  constructor(dump: FrameSink, keptBytes: number, openIndex: () => FrameSink) {
    this.#dump = dump;
    this.#openIndex = openIndex;
    this.#indexer = new Indexer(keptBytes);
    dump.handlers = {
      onDrain: () => {
        this.#isDumpFull = false;
        this.#drained();
      },
      onFault: (error) => this.#fault(error),
    };
  }

  get unwrittenBytes(): number {
    return this.#dump.unwrittenBytes + (this.#index?.unwrittenBytes ?? 0);
  }

  begin(): void {
    this.#dump.begin();
    this.#index = this.#openIndex();
    this.#index.handlers = {
      onDrain: () => {
        this.#isIndexFull = false;
        this.#drained();
      },
      onFault: (error) => this.#fault(error),
    };
    this.#index.begin();
  }

  write(bytes: Buffer): boolean {
    if (!this.#dump.write(bytes)) this.#isDumpFull = true;
    const entries = this.#indexer.push(bytes);
    if (entries.length > 0 && this.#index?.write(entries) === false) this.#isIndexFull = true;
    return !this.#isDumpFull && !this.#isIndexFull;
  }

  async sync(): Promise<void> {
    await Promise.all([this.#dump.sync(), this.#index?.sync()]);
  }

  digest(bytes: number): string {
    return this.#dump.digest(bytes);
  }

  async end(): Promise<void> {
    this.#indexer.close();
    await Promise.all([this.#dump.end(), this.#index?.end()]);
  }

  #drained(): void {
    if (!this.#isDumpFull && !this.#isIndexFull) this.handlers.onDrain();
  }

  #fault(error: Error): void {
    if (this.#hasFault) return;
    this.#hasFault = true;
    this.handlers.onFault(error);
  }
}
