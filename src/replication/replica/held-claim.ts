/**
 * The claim of a replica's Hello about its content, and the proof of it. A primary with a history proves it
 * by that history. One without (docs/architecture.md, "Rust primaries") counts from 1 again when it is
 * restarted, so its numbers alone prove nothing: the last record of one shard is not claimed, so that it
 * comes again. It is that of the first shard, which such a primary sends first; another record in its place
 * is of another run.
 */
import type { FollowedStore, RecordPrint } from '../../engine/types.js';
import { encodeHelloFrame } from '../../frame/hello.js';
import { announcedPairs } from '../link/announced.js';
import { NO_CONTENT_PAIR } from '../link/content-pair.js';
import { digestsPair } from '../link/digests-pair.js';
import { fullPair } from '../link/full.js';
import { MESSAGES_PAIR } from '../link/messages-pair.js';
import { nodePair } from '../link/path.js';
import { namePair } from '../link/server-name.js';
import { takeoverPair } from '../link/takeover-pair.js';
import { watermarkOf } from '../watermarks.js';
import type { Holding } from './holding.js';
import { otherRun } from './session-faults.js';
import type { ReplicaSessionOptions } from './session-options.js';

/** The claim of one session. */
export class HeldClaim<S extends FollowedStore> {
  readonly holding: Holding<S>;
  /** The watermarks that are claimed. */
  readonly watermarks: readonly bigint[];
  /** The record that must come again; undefined once it has, and where a history is the proof. */
  #again: RecordPrint | undefined;

  /** Returns the claim of what is held; undefined: nothing is, or nothing of it could be proved. */
  static of<S extends FollowedStore>(holding: Holding<S> | undefined): HeldClaim<S> | undefined {
    if (holding === undefined) return undefined;
    const { store, history } = holding;
    const watermarks = store.watermarks();
    if (history !== undefined) return new HeldClaim(holding, watermarks, undefined);
    const again = store.lastRecord();
    if (again === undefined || watermarkOf(watermarks, again.shard) !== again.sequence) return undefined;
    watermarks[again.shard] = again.sequence - 1n;
    return new HeldClaim(holding, watermarks, again);
  }

  private constructor(holding: Holding<S>, watermarks: readonly bigint[], again: RecordPrint | undefined) {
    this.holding = holding;
    this.watermarks = watermarks;
    this.#again = again;
  }

  /** Whether nothing may be continued before a batch has proved the claim. */
  get isOpen(): boolean {
    return this.#again !== undefined;
  }

  /** Takes the payload of a batch, the first of which must prove the claim. Throws `HISTORY_DIFFERS`. */
  check(payload: Uint8Array): void {
    const again = this.#again;
    this.#again = undefined;
    if (again !== undefined && !this.holding.store.hasRecord(payload, again)) throw otherRun(again);
  }
}

/**
 * Makes the Hello of a replica that claims this, or nothing; a whole frame.
 */
export function helloOf(
  claim: HeldClaim<FollowedStore> | undefined,
  {
    token,
    nodeId,
    name,
    announced,
    messages,
    takeover,
    full,
    isContentless,
    divergence,
  }: Pick<
    ReplicaSessionOptions,
    | 'token'
    | 'nodeId'
    | 'name'
    | 'announced'
    | 'messages'
    | 'takeover'
    | 'full'
    | 'isContentless'
    | 'divergence'
  >,
): Buffer {
  const history = claim?.holding.history;
  const margin = new Map(history === undefined ? [] : [['history', history.id]]);
  if (nodeId !== undefined) margin.set(...nodePair(nodeId));
  if (name !== undefined) margin.set(...namePair(name));
  const place = announced?.();
  if (place !== undefined) for (const pair of announcedPairs(place)) margin.set(...pair);
  if (messages !== undefined) margin.set(...MESSAGES_PAIR);
  const seat = takeover?.place();
  if (seat !== undefined) margin.set(...takeoverPair(seat));
  if (full !== undefined) margin.set(...fullPair(full));
  if (isContentless === true) margin.set(...NO_CONTENT_PAIR);
  else if (divergence !== undefined) margin.set(...digestsPair(divergence.route));
  return encodeHelloFrame({ role: 'replica', token, watermarks: claim?.watermarks }, { margin });
}
