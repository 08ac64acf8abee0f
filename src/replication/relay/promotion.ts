/** A replica becomes a primary: a new history begins with what it holds (design.md, "Histories"). */
import type { Clock, Random } from '../../clock.js';
import type { ReplicatedStore } from '../../engine/types.js';
import { type History, promotedHistory } from '../history.js';
import type { Holding } from '../replica/session.js';
import type { Backlog } from '../stream/backlog.js';
import type { Relay } from './relay.js';

export interface Beginning {
  history: History;
  /** What a relay has kept, for the publisher; undefined: nothing. */
  backlog: Backlog | undefined;
}

/** Moves the store to where the new history begins; its follower must have been stopped. Replicas of a relay are dropped. */
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
