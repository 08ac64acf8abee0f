/**
 * The answers of an endpoint within the last minute, and the rates between them. Counters of a server
 * are compared over its own time, so that a slow network does not change the rates.
 */
import { shownName } from '../../replication/primary/replica-info.js';
import type { StatusDocument } from '../../status/status-document.js';
import type { EndpointAnswer } from '../../status/watermarks.js';

/** The looks that are kept: those of a minute. */
export const KEPT = 30;

/** A figure of each look, the last one at the end; undefined where it is not known. */
export type Series = readonly (number | undefined)[];

/** The rates of an endpoint; each is empty until there were two answers. */
export interface Rates {
  /** Commands a second that read keys, and that write them. */
  readonly reads: Series;
  readonly writes: Series;
  /** Records a second that were published, or applied. */
  readonly records: Series;
  /** Bytes a second that go to its replicas. */
  readonly wireBytes: Series;
  /** The share of the time in which the event loop did not wait, 0 to 1. */
  readonly busy: Series;
  /** The share of the keys that were read and were there, 0 to 1. */
  readonly hits: Series;
}

/** The progress of a replica that takes a snapshot in. */
export interface Join {
  readonly percent: number;
  /** Milliseconds until it has all, at the rate so far; undefined: not known yet. */
  readonly leftMs: number | undefined;
}

/** The figures of one answer from which rates are made: counters, and gauges as they were. */
interface Figures {
  readonly uptimeMs: number | undefined;
  readonly reads: number | undefined;
  readonly writes: number | undefined;
  readonly hits: number | undefined;
  readonly misses: number | undefined;
  readonly busyMs: number | undefined;
  readonly records: number;
  readonly wireBytes: number | undefined;
}

/** A look; an endpoint that did not answer has no figures. Of an answer nothing else is kept. */
interface Look {
  readonly atMs: number;
  readonly figures: Figures | undefined;
}

/** The lag of one replica at each look of the last minute. */
interface LagCourse {
  lags: (number | undefined)[];
  /** The looks since it was last listed. */
  unlisted: number;
}

/** The replicas whose lag is kept; of further ones only what the last answer says is shown. */
const COURSES_MAX = 256;

/** The answers of one endpoint, in memory that does not grow, whatever the endpoint sends. */
export class EndpointHistory {
  #looks: Look[] = [];
  #last: EndpointAnswer | undefined;
  readonly #courses = new Map<string, LagCourse>();
  /** When each replica that takes a snapshot in was first seen to, and how far it was then. */
  #joins = new Map<string, { atMs: number; percent: number }>();

  /** Takes an answer in, which came at `atMs`, of any clock that goes on. */
  take(answer: EndpointAnswer, atMs: number): void {
    this.#last = answer;
    // One more than is shown, for the first rate has something before it.
    this.#looks = [...this.#looks.slice(-KEPT), { atMs, figures: figuresOf(answer) }];
    this.#noteLags();
    this.#noteJoins(atMs);
  }

  /** The last answer; undefined before the first. */
  get last(): EndpointAnswer | undefined {
    return this.#last;
  }

  /** The rates of the last minute. */
  rates(): Rates {
    const perSecond = (read: (figures: Figures) => number | undefined) =>
      this.#steps((from, to, elapsedMs) => rate(read(from), read(to), elapsedMs));
    return {
      reads: perSecond(({ reads }) => reads),
      writes: perSecond(({ writes }) => writes),
      records: this.#pairs((from, to) =>
        rate(from.figures?.records, to.figures?.records, to.atMs - from.atMs),
      ),
      wireBytes: this.#steps((_, to) => to.wireBytes),
      busy: this.#steps((from, to) =>
        partOf(change(from.busyMs, to.busyMs), change(from.uptimeMs, to.uptimeMs)),
      ),
      hits: this.#steps((from, to) => {
        const hits = change(from.hits, to.hits);
        const misses = change(from.misses, to.misses);
        return partOf(hits, hits === undefined || misses === undefined ? undefined : hits + misses);
      }),
    };
  }

  /** The lag in ms of the replica that is shown by this name, at each look. */
  lags(name: string): Series {
    return this.#courses.get(name)?.lags ?? [];
  }

  /** The progress of this replica with its snapshot; undefined: none comes in, or it is not known. */
  join(name: string): Join | undefined {
    const begun = this.#joins.get(name);
    const percent = joinPercents(this.last).get(name);
    if (begun === undefined || percent === undefined) return undefined;
    const done = percent - begun.percent;
    const tookMs = this.#looks.at(-1)!.atMs - begun.atMs;
    return { percent, leftMs: done > 0 ? ((100 - percent) * tookMs) / done : undefined };
  }

  #noteLags(): void {
    const listed = new Map<string, number | undefined>();
    for (const replica of statusOf(this.last)?.replicas ?? []) {
      const name = shownName(replica);
      if (!listed.has(name)) listed.set(name, replica.lagMs ?? undefined);
    }
    for (const [name, course] of this.#courses) {
      course.unlisted = listed.has(name) ? 0 : course.unlisted + 1;
      if (course.unlisted >= KEPT) this.#courses.delete(name);
      else course.lags = [...course.lags.slice(1 - KEPT), listed.get(name)];
      listed.delete(name);
    }
    const before = new Array<undefined>(Math.min(this.#looks.length, KEPT) - 1).fill(undefined);
    for (const [name, lag] of listed) {
      if (this.#courses.size >= COURSES_MAX && !this.#dropUnlisted()) return;
      this.#courses.set(name, { lags: [...before, lag], unlisted: 0 });
    }
  }

  /** Makes room by the replica that was not listed for the longest; returns whether there is one. */
  #dropUnlisted(): boolean {
    const [name, { unlisted }] = [...this.#courses].reduce((most, course) =>
      course[1].unlisted > most[1].unlisted ? course : most,
    );
    return unlisted > 0 && this.#courses.delete(name);
  }

  #noteJoins(atMs: number): void {
    const joins = new Map<string, { atMs: number; percent: number }>();
    for (const [name, percent] of joinPercents(this.last)) {
      const before = this.#joins.get(name);
      joins.set(name, before !== undefined && before.percent <= percent ? before : { atMs, percent });
    }
    this.#joins = joins;
  }

  /**
   * Calls `value` for each two answers in a row that a server gave in one life, with the milliseconds between
   * them by its own time.
   */
  #steps(value: (from: Figures, to: Figures, elapsedMs: number) => number | undefined): Series {
    return this.#pairs(({ figures: from, atMs }, { figures: to, atMs: untilMs }) => {
      if (from === undefined || to === undefined) return undefined;
      const elapsedMs = change(from.uptimeMs, to.uptimeMs) ?? untilMs - atMs;
      return elapsedMs <= 0 ? undefined : value(from, to, elapsedMs);
    });
  }

  #pairs(value: (from: Look, to: Look) => number | undefined): Series {
    return this.#looks.slice(1).map((to, index) => value(this.#looks[index]!, to));
  }
}

function figuresOf(answer: EndpointAnswer): Figures | undefined {
  if ('fault' in answer) return undefined;
  const { watermarks, base, status } = answer;
  const server = status?.server ?? undefined;
  return {
    uptimeMs: server?.uptimeMs,
    reads: server?.reads,
    writes: server?.writes,
    hits: server?.hits,
    misses: server?.misses,
    busyMs: server?.busyMs,
    records: Number(watermarks.reduce((sum, watermark) => sum + watermark - (base ?? 0n), 0n)),
    wireBytes: status?.replicas.reduce((sum, { sentBytesPerSecond }) => sum + (sentBytesPerSecond ?? 0), 0),
  };
}

function rate(from: number | undefined, to: number | undefined, elapsedMs: number): number | undefined {
  if (from === undefined || to === undefined || elapsedMs <= 0) return undefined;
  // Counters begin anew with CONFIG RESETSTAT.
  return (Math.max(0, to - from) * 1000) / elapsedMs;
}

function change(from: number | undefined, to: number | undefined): number | undefined {
  return from === undefined || to === undefined ? undefined : to - from;
}

function partOf(part: number | undefined, whole: number | undefined): number | undefined {
  if (part === undefined || whole === undefined || whole <= 0) return undefined;
  return Math.min(1, Math.max(0, part / whole));
}

function joinPercents(answer: EndpointAnswer | undefined): Map<string, number> {
  const joining = statusOf(answer)?.replicas.filter(({ snapshotPercent }) => snapshotPercent !== null) ?? [];
  return new Map(joining.map((replica) => [shownName(replica), replica.snapshotPercent!]));
}

/** Returns the Status document of an answer; undefined where there is none. */
export function statusOf(answer: EndpointAnswer | undefined): StatusDocument | undefined {
  return answer === undefined || 'fault' in answer ? undefined : answer.status;
}
