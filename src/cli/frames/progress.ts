/** Shows the progress of a tool that reads dumps, as a line of the terminal for each dump and stage. */
import type { Clock } from '../../clock.js';
import type { DumpProgress } from '../../dump/read/dump-reader.js';
import { ReadProgress } from '../terminal/read-progress.js';

/** The line's word for what is done with a dump while it is read. */
export type ReadingWord =
  | 'verifying'
  | 'indexing'
  | 'reading'
  | 'counting'
  | 'cutting'
  | 'salvaging'
  | 'merging';

/** The progress line; pass `show` as the `onProgress` of the toolkit's functions. */
export class ProgressLine {
  readonly #terminal: NodeJS.WriteStream;
  readonly #clock: Clock;
  readonly #word: ReadingWord;
  #stage: DumpProgress['stage'] | undefined;
  #source: DumpProgress['source'] | undefined;
  #line: ReadProgress | undefined;

  constructor(terminal: NodeJS.WriteStream, clock: Clock, word: ReadingWord) {
    this.#terminal = terminal;
    this.#clock = clock;
    this.#word = word;
  }

  readonly show = ({ stage, source, bytes }: DumpProgress): void => {
    if (stage !== this.#stage || source !== this.#source) {
      this.close();
      this.#stage = stage;
      this.#source = source;
      const word = stage === 'reading' ? this.#word : stage;
      const files = typeof source === 'string' ? [source] : [];
      this.#line = new ReadProgress(this.#terminal, this.#clock, word, ...files);
    }
    this.#line?.read(bytes);
  };

  /** Removes the line. */
  close(): void {
    this.#line?.close();
    this.#line = undefined;
    this.#source = undefined;
  }
}

/** The progress line of dumps that are read side by side: it shows the sum of their bytes. */
export class MergeProgressLine {
  readonly #reading: ReadProgress;
  readonly #verifying: ProgressLine;
  readonly #readBytes = new Map<DumpProgress['source'], number>();

  constructor(terminal: NodeJS.WriteStream, clock: Clock, files: readonly string[]) {
    this.#reading = new ReadProgress(terminal, clock, 'merging', ...files);
    this.#verifying = new ProgressLine(terminal, clock, 'merging');
  }

  readonly show = (progress: DumpProgress): void => {
    if (progress.stage === 'verifying') {
      this.#reading.close();
      this.#verifying.show(progress);
      return;
    }
    this.#readBytes.set(progress.source, progress.bytes);
    let bytes = 0;
    for (const each of this.#readBytes.values()) bytes += each;
    this.#reading.read(bytes);
  };

  /** Removes the line. */
  close(): void {
    this.#reading.close();
    this.#verifying.close();
  }
}
