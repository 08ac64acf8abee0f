/**
 * The frames that a probe of fastcache's is sent behind the primary's answer: the answers to its questions of
 * either kind.
 */
import { FrameKind } from '../../frame/kinds.js';
import type { SplitFrame } from '../../frame/splitter.js';
import { CompareAnswers, type Comparer } from './compare-answers.js';
import { StatusAnswers, type StatusAnswersOptions } from './status-answers.js';
import type { WorkShare } from './work-share.js';

/** The options of the answers to one probe. */
export interface ProbeAnswersOptions extends StatusAnswersOptions {
  /** Makes the answers to a comparison; absent: nothing is compared here. */
  comparer?: (() => Comparer) | undefined;
  work: WorkShare;
}

/** Answers one probe, from when it is made until `stop`. */
export class ProbeAnswers {
  readonly #options: ProbeAnswersOptions;
  readonly #status: StatusAnswers;
  #compare: CompareAnswers | undefined;

  constructor(options: ProbeAnswersOptions) {
    this.#options = options;
    this.#status = new StatusAnswers(options);
  }

  /** Takes a question. Throws `FRAME_OUT_OF_PLACE` and `FCRP_*`. */
  hear(frame: SplitFrame): void {
    const { comparer, timers, connection, work, onIdle } = this.#options;
    if (frame.header.kind !== FrameKind.Compare || comparer === undefined) {
      this.#status.hear(frame);
      return;
    }
    this.#status.stir();
    this.#compare ??= new CompareAnswers({
      timers,
      connection,
      comparer: comparer(),
      work,
      onUnread: onIdle,
      onWork: () => this.#status.stir(),
    });
    this.#compare.hear(frame);
  }

  /** Answers nothing more and leaves no timer behind. */
  stop(): void {
    this.#status.stop();
    this.#compare?.stop();
  }
}
