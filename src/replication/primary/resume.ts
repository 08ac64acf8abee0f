/**
 * Decides whether a replica can continue from what it holds, or must be sent a snapshot
 * (docs/architecture.md, "Histories").
 */
import type { Margin } from '../../frame/margin.js';
import { goesBackTo, placeIn } from '../history.js';
import type { FrameStream } from '../stream/stream.js';
import { hasReached, watermarkOf } from '../watermarks.js';

/** The decision for one replica. */
export interface Resumption {
  /** The watermarks of the stream from which it goes on; undefined: the backlog does not reach so far. */
  readonly since: ArrayLike<bigint> | undefined;
  /** The watermarks of the stream that it holds; undefined: its content is none of the stream's. */
  readonly place: ArrayLike<bigint> | undefined;
  /** The decision's reason, for the log. */
  readonly reason: string;
}

/**
 * Returns from where a replica goes on that claims to hold `claimed`, its watermarks; `margin` is its
 * Hello's, undefined of a Rust replica, which claims numbers alone.
 */
export function resume(
  stream: FrameStream,
  claimed: ArrayLike<bigint>,
  margin: Margin | undefined,
): Resumption {
  const { backlog, history } = stream;
  const place =
    margin === undefined ? rustPlace(stream, claimed) : placeIn(history, margin.get('history'), claimed);
  if (place === undefined) return { since: undefined, place, reason: whyElsewhere(stream, claimed, margin) };
  const needsSnapshot = backlog.needsSnapshot(place);
  if (needsSnapshot === undefined) {
    const records = backlog.allBehind(place).reduce((sum, behind) => sum + behind.records, 0);
    const reason = records === 0 ? 'it lacks nothing' : `records that it lacks: ${records}`;
    return { since: place, place, reason };
  }
  const { shard, wanted, earliest } = needsSnapshot;
  const kept = backlog.windows()[shard]?.bytes ?? 0;
  const wantedPlace = `shard ${shard} would go on at sequence ${wanted}`;
  const reason = `${wantedPlace}, and the ${kept} bytes of its backlog begin at ${earliest}`;
  return { since: undefined, place, reason };
}

/**
 * Returns whether a replica claims that it holds something: of a history, or numbers alone, which a Rust
 * replica has, and which are all 0 before the first record.
 */
export function asksToResume(claimed: ArrayLike<bigint>, margin: Margin | undefined): boolean {
  return margin?.has('history') === true || Array.from(claimed).some((held) => held > 0n);
}

/**
 * Returns whether a replica holds more of the stream's history than the stream has, because it changed over
 * to a relay that lags.
 */
export function isAhead(
  stream: FrameStream,
  claimed: ArrayLike<bigint>,
  margin: Margin | undefined,
): boolean {
  const place = margin && placeIn(stream.history, margin.get('history'), claimed);
  return place !== undefined && !hasReached(stream.watermarks(), place);
}

/**
 * Returns the history of which a replica of fastcache's holds something, if it is foreign to the stream: such
 * a replica may keep what it holds. Undefined also where the stream is of a Rust primary, whose runs have no
 * ids.
 */
export function foreignClaim(
  { history }: FrameStream,
  claimed: ArrayLike<bigint>,
  margin: Margin | undefined,
): string | undefined {
  const held = margin?.get('history');
  if (held === undefined || claimed.length === 0 || history.isRust === true) return undefined;
  return goesBackTo(history, held) ? undefined : held;
}

/**
 * Decides for a replica that claims numbers alone. Below the base they are another history's, be it the one
 * that this one continues.
 */
function rustPlace(
  { history: { base } }: FrameStream,
  claimed: ArrayLike<bigint>,
): ArrayLike<bigint> | undefined {
  return Array.from(claimed).every((held) => held >= base) ? claimed : undefined;
}

function whyElsewhere(
  { history }: FrameStream,
  claimed: ArrayLike<bigint>,
  margin: Margin | undefined,
): string {
  if (claimed.length === 0) return 'it holds nothing';
  if (margin === undefined) {
    const shard = Array.from(claimed).findIndex((held) => held < history.base);
    const place = placeOf(claimed, shard);
    return `${place}, and this history begins at ${history.base + 1n}`;
  }
  const held = margin.get('history');
  if (held === undefined) return 'what it holds is of no history';
  const { previous } = history;
  if (held !== previous?.id) return `it holds another history, ${held}`;
  const shard = Array.from(claimed).findIndex((own, index) => own > watermarkOf(previous.watermarks, index));
  const continued = `history ${held}, which this one continues`;
  if (shard !== -1) {
    const from = watermarkOf(previous.watermarks, shard);
    return `${placeOf(claimed, shard)} of ${continued} from ${from}`;
  }
  return Array.from(claimed).some((own) => own < previous.base)
    ? `it holds ${continued}, and has not come to where that began`
    : `it holds ${continued}, with too many shards to tell from where`;
}

function placeOf(claimed: ArrayLike<bigint>, shard: number): string {
  return `in shard ${shard} it is at sequence ${watermarkOf(claimed, shard)}`;
}
