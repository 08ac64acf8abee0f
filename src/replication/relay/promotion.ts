/** The promotion of a replica: a new history begins with its content (docs/architecture.md, "Histories"). */
import type { Clock, Random } from '../../clock.js';
import type { ReplicatedStore } from '../../engine/types.js';
import { clockBase, type History, type HistorySeams, newId, pastBehind } from '../history.js';
import { offsetIn } from '../offset.js';
import type { Holding } from '../replica/holding.js';
import type { Backlog } from '../stream/backlog.js';
import type { Relay } from './relay.js';

/** What a promoted replica begins with as a primary. */
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
  // However far a clock may have been set back, the base is past every sequence that was given out.
  const base = watermarks.reduce((most, own) => (own > most ? own : most), clockBase(seams.clock));
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
