/** The promotion of a replica: a new history begins with its content (docs/architecture.md, "Histories"). */
import type { Clock, Random } from '../../clock.js';
import type { ReplicatedStore } from '../../engine/types.js';
import { baseFrom, clockBase, type History, type HistorySeams, newId, pastBehind } from '../history.js';
import { offsetIn } from '../offset.js';
import type { Holding } from '../replica/holding.js';
import type { Backlog } from '../stream/backlog.js';
import type { Relay } from './relay.js';

/** More records than a replica can lack of a shard that another one has. */
const PROMOTION_STEP = 1n << 32n;
const LARGEST_SEQUENCE = 0xffff_ffff_ffff_ffffn;

/** The history and the state with which a promoted replica begins as a primary. */
export interface Beginning {
  history: History;
  /**
   * The backlog that a relay has kept, which the publisher continues; undefined without a relay's content.
   */
  backlog: Backlog | undefined;
}

/**
 * Moves the store to where the new history begins; its follower must have been stopped. The replicas of a
 * relay are dropped, and resume from the backlog.
 */
export function beginHistory(
  seams: { clock: Clock; random: Random },
  store: ReplicatedStore,
  holding: Holding | undefined,
  relay: Relay | undefined,
): Beginning {
  const held = relay?.stream?.history ?? holding?.history;
  const watermarks = store.watermarks();
  const history = promotedHistory(seams, held, watermarks);
  store.setWatermarks(watermarks.map(() => history.base));
  return { history, backlog: relay?.promoted(history.base) };
}

/** Makes the history of a primary that was a replica until now, at `watermarks` of the history `held`. */
export function promotedHistory(
  seams: HistorySeams,
  held: History | undefined,
  watermarks: readonly bigint[],
): History {
  const base = promotedBase(seams.clock, watermarks);
  const id = newId(seams.random);
  const recordsBefore = offsetIn(held, watermarks);
  return held === undefined
    ? { id, base, recordsBefore }
    : {
        id,
        base,
        recordsBefore,
        previous: { id: held.id, base: held.base, watermarks },
        past: pastBehind(held),
      };
}

/**
 * The base is past every sequence that was given out, however far a clock may have been set back. Another
 * replica may have come further than this one: a Rust replica above the base would be taken for one of the
 * new history. So the base is far above what is held here, and by another distance each millisecond, lest two
 * that are promoted with the same content count alike.
 */
function promotedBase(clock: Clock, watermarks: readonly bigint[]): bigint {
  const held = watermarks.reduce((most, own) => (own > most ? own : most), 0n);
  const byClock = clockBase(clock);
  const stepped = baseFrom(held) + PROMOTION_STEP + (byClock % PROMOTION_STEP);
  if (stepped <= byClock) return byClock;
  return stepped <= LARGEST_SEQUENCE ? stepped : held;
}
