/**
 * One failover, as its primary makes it (docs/protocol.md, "Failover"): it waits until a replica has all,
 * orders it to promote itself, and is over when it is known which of the two leads.
 *
 *     waiting-for-sync ──► failover-in-progress ──► taken over
 *            │                      │
 *            └──────────────────────┴─────────────► given up
 *
 * Its owner writes nothing while it lasts. From the order on the replica may be a primary, whatever becomes
 * of the link. So the failover then ends by a proof of one or the other, and by nothing else: an answer, a
 * primary at the replica's address whose history continues this one, or the replica's return with this very
 * history. A replica closes a link before it opens the next, so one that is back obeys no order any more that
 * came over the last.
 */
import type { Timer } from '../../clock.js';
import { FastcacheError } from '../../errors.js';
import type { FailoverMessage } from '../../frame/failover.js';
import type { Address } from '../../transport/connection.js';
import { goesBackTo, readHistory } from '../history.js';
import { unaskedFailover } from '../link/failover-fault.js';
import { pathInMargin } from '../link/path.js';
import { Probe, type ProbeOptions } from '../link/probe.js';
import type { Log } from '../log.js';
import type { Publisher } from '../stream/publisher.js';
import { hasReached } from '../watermarks.js';
import type { FailoverPeer } from './failover-peer.js';

/** How far a failover is, in the words of INFO. */
export type FailoverState = 'waiting-for-sync' | 'failover-in-progress';

/** The wishes of the caller of a failover. */
export interface FailoverWish {
  /** The replica, `host:port` as INFO shows it; undefined: the first one that has all. */
  readonly to?: string | undefined;
  /** Milliseconds to wait for that; undefined: for as long as it takes. */
  readonly timeoutMs?: number | undefined;
  /** Whether the replica promotes itself after that time even if it does not have all. */
  readonly isForced?: boolean | undefined;
}

/** The replicas of the primary. */
export interface FailoverReplicas {
  /** Returns the connected replicas that can take over. */
  failoverPeers(): FailoverPeer[];
  /** Asks every live replica to acknowledge at once. */
  ask(): void;
  /** Calls `listener` with each acknowledgement. Returns a function that ends that. */
  onAck(listener: () => void): () => void;
}

/** The options of a failover. */
export interface FailoverOptions {
  readonly probe: ProbeOptions;
  readonly log: Log;
  readonly publisher: Pick<Publisher, 'store' | 'history' | 'flush'>;
  readonly listener: FailoverReplicas;
  /** Whether nothing that was begun before the failover can still write. */
  isQuiet(): boolean;
  /** Called once, when the replica is the primary. */
  takenOver(heir: FailoverPeer): void;
  /** Called once, when it is certain that the replica is none, or an operator has said so. */
  givenUp(reason: string): void;
}

/** Milliseconds between looks for the node that leads, while the replica does not answer that it does. */
const LOOK_MS = 500;
/** Milliseconds until a forced order is tried again that a script holds up. */
const QUIET_MS = 20;

/** The result of a look at the address of a replica. */
type Look = 'asked' | 'there' | FastcacheError;

/** A failover from its making until it is over, or until `stop`. */
export class Failover {
  readonly #options: FailoverOptions;
  readonly #wish: FailoverWish;
  readonly #looks = new Map<FailoverPeer, Look>();
  #ordered: FailoverPeer | undefined;
  /** Whether the link to the replica that was ordered is gone. */
  #isAdrift = false;
  #timer: Timer | undefined;
  #stopListening: () => void = () => {};
  #isOver = false;

  /** Waits from `start` on. */
  constructor(wish: FailoverWish, options: FailoverOptions) {
    this.#wish = wish;
    this.#options = options;
  }

  get state(): FailoverState {
    return this.#ordered === undefined ? 'waiting-for-sync' : 'failover-in-progress';
  }

  /** Has the replicas acknowledge what has been written, which must be the last of it. */
  start(): void {
    const { publisher, listener, probe } = this.#options;
    const { timeoutMs } = this.#wish;
    publisher.flush();
    this.#stopListening = listener.onAck(() => this.#check());
    if (timeoutMs !== undefined) this.#timer = probe.timers.after(timeoutMs, () => this.#onTimeout());
    listener.ask();
    this.#check();
  }

  /**
   * Gives up, as an operator asks; returns why not, as long as the replica may obey. Once its link is gone,
   * the operator answers for it.
   */
  abort(): string | undefined {
    if (this.#ordered !== undefined && !this.#isAdrift) {
      return `replica ${this.#ordered.name} has been ordered to take over and may do so until it answers or its link is lost`;
    }
    this.#giveUp('an operator has asked for it');
    return undefined;
  }

  /** Called with a replica that has connected. */
  came(peer: FailoverPeer): void {
    const ordered = this.#ordered;
    if (ordered === undefined || peer.nodeId !== ordered.nodeId) return;
    if (peer.history !== this.#options.publisher.history.id) return;
    this.#giveUp(`replica ${ordered.name} is back and has not promoted itself`);
  }

  /** Called with a replica whose connection is over. */
  left(peer: FailoverPeer): void {
    this.#looks.delete(peer);
    if (peer !== this.#ordered) return;
    this.#isAdrift = true;
    this.#options.log.warn(
      `replica ${peer.name} has been ordered to take over, and its link is lost: writes wait until it is known ` +
        'whether it did. Send FAILOVER ABORT to take writes here again, if you know that it is dead.',
    );
    void this.#find(peer);
  }

  /** Called with what a replica says. Throws FRAME_OUT_OF_PLACE for an answer to what nobody asked. */
  heard(peer: FailoverPeer, message: FailoverMessage): void {
    if (peer === this.#ordered && message.says === 'accepted') this.#takenOver(peer);
    else if (peer === this.#ordered && message.says === 'refused') {
      this.#giveUp(`replica ${peer.name} refuses: ${message.reason}`);
    } else throw unaskedFailover(message);
  }

  /** Ends it without a word: the role of its owner ends. */
  stop(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#stopListening();
  }

  #candidates(): FailoverPeer[] {
    const peers = this.#options.listener.failoverPeers();
    const { to } = this.#wish;
    return to === undefined ? peers : peers.filter((peer) => peer.isAt(to));
  }

  /** Orders the first that has all and is where it says it is. */
  #check(): void {
    if (this.#isOver || this.#ordered !== undefined) return;
    const candidates = this.#candidates();
    for (const peer of candidates) if (!this.#looks.has(peer)) void this.#look(peer);
    const { publisher, isQuiet } = this.#options;
    const written = publisher.store.watermarks();
    const heir = candidates.find(
      (peer) =>
        peer.isLive && this.#looks.get(peer) === 'there' && hasReached(peer.acknowledged ?? [], written),
    );
    if (heir !== undefined && isQuiet()) this.#order(heir, false);
  }

  #onTimeout(): void {
    const { isForced, timeoutMs } = this.#wish;
    if (isForced !== true) {
      this.#giveUp(`no replica had all within ${timeoutMs} ms`);
      return;
    }
    const [heir] = this.#candidates();
    if (heir?.isLive !== true) this.#giveUp(`replica ${this.#wish.to} is not there after ${timeoutMs} ms`);
    else if (this.#options.isQuiet()) this.#order(heir, true);
    else this.#timer = this.#options.probe.timers.after(QUIET_MS, () => this.#onTimeout());
  }

  #order(peer: FailoverPeer, isForced: boolean): void {
    const { publisher, log } = this.#options;
    this.#timer?.cancel();
    this.#stopListening();
    this.#ordered = peer;
    publisher.flush();
    const watermarks = publisher.store.watermarks();
    log.info(`replica ${peer.name} is ordered to take over${isForced ? ', whether or not it has all' : ''}`);
    peer.send({ says: 'order', isForced, history: publisher.history.id, watermarks });
  }

  /** Finds out whether the replica is where it says it is, for there it is to be followed. */
  async #look(peer: FailoverPeer): Promise<void> {
    this.#looks.set(peer, 'asked');
    const found = await this.#ask(peer.takesOverAt);
    if (this.#isOver || this.#ordered !== undefined || !this.#looks.has(peer)) return;
    const isThere = found instanceof FastcacheError ? found : found.path[0] === peer.nodeId;
    this.#looks.set(peer, isThere === true ? 'there' : isThere === false ? elsewhere(peer) : isThere);
    if (isThere === true) this.#check();
    else this.#expectOne();
  }

  /** Gives up when none of those that could take over can be reached. */
  #expectOne(): void {
    const looks = this.#candidates().map((peer) => this.#looks.get(peer));
    const faults = looks.filter((look) => look instanceof FastcacheError);
    if (faults.length < looks.length || faults[0] === undefined) return;
    this.#giveUp(`it cannot be followed: ${faults[0].message}`);
  }

  /** Looks at the address of the replica that was ordered until a primary is there, or it ends otherwise. */
  async #find(peer: FailoverPeer): Promise<void> {
    while (!this.#isOver) {
      const found = await this.#ask(peer.takesOverAt);
      if (this.#isOver) return;
      if (!(found instanceof FastcacheError) && this.#isHeir(found)) {
        this.#takenOver(peer);
        return;
      }
      await new Promise<void>((resolve) => {
        this.#timer = this.#options.probe.timers.after(LOOK_MS, resolve);
      });
    }
  }

  /** Whether a primary that answers so goes on from what is held here. */
  #isHeir({ path, history }: Whereabouts): boolean {
    const own = this.#options.publisher.history.id;
    return path.length === 1 && history !== undefined && history.id !== own && goesBackTo(history, own);
  }

  async #ask(address: Address): Promise<Whereabouts | FastcacheError> {
    try {
      const probe = await Probe.open(address, this.#options.probe);
      const { margin } = probe;
      probe.close();
      return { path: pathInMargin(margin), history: readHistory(margin) };
    } catch (error) {
      if (error instanceof FastcacheError) return error;
      throw error;
    }
  }

  #takenOver(peer: FailoverPeer): void {
    if (this.#isOver) return;
    this.stop();
    this.#options.log.info(`replica ${peer.name} has taken over`);
    this.#options.takenOver(peer);
  }

  #giveUp(reason: string): void {
    if (this.#isOver) return;
    this.stop();
    this.#options.log.warn(`the failover is given up: ${reason}`);
    this.#options.givenUp(reason);
  }
}

/** The answer of an address. */
interface Whereabouts {
  readonly path: readonly string[];
  readonly history: ReturnType<typeof readHistory>;
}

function elsewhere({ name }: FailoverPeer): FastcacheError {
  return new FastcacheError('HISTORY_DIFFERS', `Another node than the replica answers at ${name}.`, {
    address: name,
  });
}
