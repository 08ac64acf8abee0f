/**
 * What an endpoint has answered within the last minute, and the rates that come of it. Counters of a server
 * are compared over its own time, so that a slow network does not bend them.
 */
import { shownName } from '../../replication/primary/replica-info.js';
import type { StatusDocument } from '../../status/status-document.js';
import type { EndpointAnswer } from '../../status/watermarks.js';

/** The looks that are kept, one a second. */
export const KEPT = 60;

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

/** How far a replica is that takes a snapshot in. */
export interface Join {
  readonly percent: number;
  /** Milliseconds until it has all, at the rate so far; undefined: not known yet. */
  readonly leftMs: number | undefined;
}

interface Look {
  readonly atMs: number;
  readonly answer: EndpointAnswer;
}

/** The answers of one endpoint. */
export class EndpointHistory {
  #looks: Look[] = [];
  /** When each replica that takes a snapshot in was first seen to, and how far it was then. */
  #joins = new Map<string, { atMs: number; percent: number }>();

  /** Takes an answer in, which came at `atMs`, of any clock that goes on. */
  take(answer: EndpointAnswer, atMs: number): void {
    // One more than is shown, for the first rate has something before it.
    this.#looks = [...this.#looks.slice(-KEPT), { atMs, answer }];
    this.#noteJoins(atMs);
  }

  /** The last answer; undefined before the first. */
  get last(): EndpointAnswer | undefined {
    return this.#looks.at(-1)?.answer;
  }

  /** The rates of the last minute. */
  rates(): Rates {
    const perSecond = (read: (status: StatusDocument) => number | undefined) =>
      this.#steps((from, to) => rate(read(from.status), read(to.status), to.elapsedMs));
    const share = (
      part: (status: StatusDocument) => number | undefined,
      whole: (status: StatusDocument) => number | undefined,
    ) => this.#steps((from, to) => partOf(from.status, to.status, part, whole));
    return {
      reads: perSecond(({ server }) => server?.reads),
      writes: perSecond(({ server }) => server?.writes),
      records: this.#pairs((from, to) =>
        rate(recordsOf(from.answer), recordsOf(to.answer), to.atMs - from.atMs),
      ),
      wireBytes: this.#steps((_, to) => sentBytes(to.status)),
      busy: share(
        ({ server }) => server?.busyMs,
        ({ server }) => server?.uptimeMs,
      ),
      hits: share(
        ({ server }) => server?.hits,
        ({ server }) => (server === null ? undefined : server.hits + server.misses),
      ),
    };
  }

  /** The lag in ms of the replica that is shown by this name. */
  lags(name: string): Series {
    return this.#looks.slice(-KEPT).map(({ answer }) => {
      const replica = statusOf(answer)?.replicas.find((listed) => shownName(listed) === name);
      return replica?.lagMs ?? undefined;
    });
  }

  /** How far the replica of this name is with its snapshot; undefined: it takes none in, or does not say. */
  join(name: string): Join | undefined {
    const begun = this.#joins.get(name);
    const percent = joinPercents(this.last).get(name);
    if (begun === undefined || percent === undefined) return undefined;
    const done = percent - begun.percent;
    const tookMs = this.#looks.at(-1)!.atMs - begun.atMs;
    return { percent, leftMs: done > 0 ? ((100 - percent) * tookMs) / done : undefined };
  }

  #noteJoins(atMs: number): void {
    const joins = new Map<string, { atMs: number; percent: number }>();
    for (const [name, percent] of joinPercents(this.last)) {
      const before = this.#joins.get(name);
      joins.set(name, before !== undefined && before.percent <= percent ? before : { atMs, percent });
    }
    this.#joins = joins;
  }

  /** Calls `value` for each two answers in a row that a server gave in one life. */
  #steps(value: (from: Step, to: Step) => number | undefined): Series {
    return this.#pairs((from, to) => {
      const [before, status] = [statusOf(from.answer), statusOf(to.answer)];
      if (before === undefined || status === undefined) return undefined;
      const ownMs =
        status.server && before.server ? status.server.uptimeMs - before.server.uptimeMs : undefined;
      const elapsedMs = ownMs ?? to.atMs - from.atMs;
      return elapsedMs <= 0 ? undefined : value({ status: before, elapsedMs }, { status, elapsedMs });
    });
  }

  #pairs(value: (from: Look, to: Look) => number | undefined): Series {
    return this.#looks.slice(1).map((to, index) => value(this.#looks[index]!, to));
  }
}

interface Step {
  readonly status: StatusDocument;
  /** Milliseconds between the two. */
  readonly elapsedMs: number;
}

function rate(from: number | undefined, to: number | undefined, elapsedMs: number): number | undefined {
  if (from === undefined || to === undefined || elapsedMs <= 0) return undefined;
  // Counters begin anew with CONFIG RESETSTAT.
  return (Math.max(0, to - from) * 1000) / elapsedMs;
}

function partOf(
  from: StatusDocument,
  to: StatusDocument,
  part: (status: StatusDocument) => number | undefined,
  whole: (status: StatusDocument) => number | undefined,
): number | undefined {
  const all = (whole(to) ?? 0) - (whole(from) ?? 0);
  return all <= 0 ? undefined : Math.min(1, Math.max(0, ((part(to) ?? 0) - (part(from) ?? 0)) / all));
}

function recordsOf(answer: EndpointAnswer): number | undefined {
  if ('fault' in answer) return undefined;
  const { watermarks, base } = answer;
  return Number(watermarks.reduce((sum, watermark) => sum + watermark - (base ?? 0n), 0n));
}

function sentBytes({ replicas }: StatusDocument): number {
  return replicas.reduce((sum, { sentBytesPerSecond }) => sum + (sentBytesPerSecond ?? 0), 0);
}

function joinPercents(answer: EndpointAnswer | undefined): Map<string, number> {
  const joining = statusOf(answer)?.replicas.filter(({ snapshotPercent }) => snapshotPercent !== null) ?? [];
  return new Map(joining.map((replica) => [shownName(replica), replica.snapshotPercent!]));
}

/** Returns the Status document of an answer; undefined where there is none. */
export function statusOf(answer: EndpointAnswer | undefined): StatusDocument | undefined {
  return answer === undefined || 'fault' in answer ? undefined : answer.status;
}
