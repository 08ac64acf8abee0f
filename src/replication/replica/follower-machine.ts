/**
 * The states of a follower as one machine: every phase times every event, without IO. `Follower` and its
 * sessions raise the events and carry out the effects; a transition that is not in this table does not
 * happen.
 *
 *     idle
 *       │ start
 *       ▼                        retryDue
 *     waiting ◄──────────────────────────────── paused
 *       │ room                                    ▲
 *       ▼                                         │ cut, faulted, disowned: from every phase of a session
 *     connecting
 *       │ opened
 *       ▼          renews               replayBegun                 whole
 *     greeting ──────────────► awaiting ────────────► replaying ───────────► behind
 *       │                         │                       │
 *       │ continues               │ snapshotBegun         │ snapshotBegun
 *       ▼        snapshotBegun    ▼                       │
 *     resuming ──────────────► loading ◄──────────────────┘
 *       │ follows           whole │   ▲
 *       ▼                         │   │ snapshotBegun
 *     behind ◄────────────────────┘   │
 *       │ └───────────────────────────┘
 *       │ reached
 *       ▼        snapshotBegun               whole
 *     level ─────────────────► reloading ───────────► level
 *
 * `stop` leads from everywhere to `stopped`, and so does `failed` from wherever there is a session: nothing
 * leads out of it. The sessions' phases are those from `connecting` to `reloading`.
 */
import assert from 'node:assert/strict';

/** The phases of a follower. */
export type FollowerPhase =
  /** The follower is made, and not started. */
  | 'idle'
  /** A session is to begin as soon as the tap has room for what it brings. */
  | 'waiting'
  | 'connecting'
  /** The connection is there; the primary has not answered the Hello. */
  | 'greeting'
  /** The held content continues with this primary; the first record that it lacks has not come. */
  | 'resuming'
  /** Only new content may come, and none has begun. */
  | 'awaiting'
  /** New content is being built from frames that begin with the first sequence. */
  | 'replaying'
  /** New content is being built from a snapshot. */
  | 'loading'
  /** The phase is as `loading`, on a connection that has been level before. */
  | 'reloading'
  /** The held content follows the primary, and lacks some records that the primary had when it answered. */
  | 'behind'
  /**
   * The held content follows the primary, and all records that the primary had when it answered are applied.
   */
  | 'level'
  /** There is no connection until the next try is due. */
  | 'paused'
  /** The follower has stopped for good. */
  | 'stopped';

/** The requests of the follower's owner. */
type OwnerEvent = 'start' | 'stop';
/** The events that are waited for outside of a session. */
type WaitEvent = 'retryDue' | 'room';
type HandshakeEvent =
  /** The connection is there. */
  | 'opened'
  /** The primary's answer shows that what was claimed continues with it. */
  | 'continues'
  /** Only new content may come, by the primary's answer, or because nothing was claimed. */
  | 'renews';
type ContentEvent =
  | 'replayBegun'
  | 'snapshotBegun'
  | 'chunkLoaded'
  /** New content is whole, and may take the place of what is held. */
  | 'whole'
  /** The held content follows the primary from here on. */
  | 'follows'
  /** All that the primary had when it answered is applied. */
  | 'reached';
type EndEvent =
  /** The link broke, through no fault of what came over it. */
  | 'cut'
  /** Something else ended the session, after which the same claim may be tried again. */
  | 'faulted'
  /** The session ended because what was claimed led nowhere. */
  | 'disowned'
  /** The session ended with what no further try would mend. */
  | 'failed';
type SessionEvent = HandshakeEvent | ContentEvent | EndEvent;

/** All that can happen to a follower. */
export type FollowerEvent = OwnerEvent | WaitEvent | SessionEvent;

/** The claim of the next Hello: the held content, or nothing, so that new content comes. */
export type Claim = 'held' | 'nothing';

/** An effect of a transition, which the follower carries out in the order of the list. */
export type FollowerEffect =
  /** Makes the state that users see that of the phase. */
  | 'showState'
  /** Emits `connecting`. */
  | 'announceAttempt'
  | 'waitForRoom'
  | 'cancelWait'
  | 'openSession'
  /** Takes over the history in which what is held continues. */
  | 'adopt'
  /** Emits `resync` if something is held, and `snapshot`. */
  | 'announceContent'
  /** Emits `snapshot`. */
  | 'announceProgress'
  /** Puts new content in the place of what is held. */
  | 'swap'
  /** Emits `live`. */
  | 'announceLive'
  /** Emits `caughtUp`. */
  | 'announceLevel'
  /** Makes the next pause short again. */
  | 'restartPauses'
  /** Remembers the time at which a link was lost that had been live. */
  | 'noteLoss'
  /** Plans the next try and emits `lost`. */
  | 'scheduleRetry'
  | 'cancelRetry'
  | 'closeSession'
  /** Leaves the state in which the content of the primary is refused. */
  | 'endRefusal'
  /** Emits `stopped`. */
  | 'announceStop';

/** The result of an event. */
export interface Transition {
  readonly to: FollowerPhase;
  /** The claim of the next Hello from then on; undefined: as before. */
  readonly claim?: Claim;
  readonly effects: readonly FollowerEffect[];
}

/**
 * The answer to an event. `ignored`: it may be raised and changes nothing. `impossible`: to raise it is a
 * programmer's fault.
 */
export type Reaction = Transition | 'ignored' | 'impossible';

const no = 'impossible';
const noWait = { retryDue: no, room: no } as const;
const noHandshake = { opened: no, continues: no, renews: no } as const;
const noContent = {
  replayBegun: no,
  snapshotBegun: no,
  chunkLoaded: no,
  whole: no,
  follows: no,
  reached: no,
} as const;
const noEnd = { cut: no, faulted: no, disowned: no, failed: no } as const;
const noSession = { ...noHandshake, ...noContent, ...noEnd } as const;

function to(phase: FollowerPhase, effects: readonly FollowerEffect[] = [], claim?: Claim): Transition {
  return claim === undefined ? { to: phase, effects } : { to: phase, effects, claim };
}

const attempt = to('waiting', ['announceAttempt', 'waitForRoom']);
const lost = to('paused', ['scheduleRetry']);
const lostLive = to('paused', ['noteLoss', 'scheduleRetry']);
const failed = to('stopped', ['endRefusal', 'announceStop']);
const stop = to('stopped', ['endRefusal', 'closeSession', 'announceStop']);
const snapshotBegun = to('loading', ['announceContent']);
const swapped = ['swap', 'announceLive'] as const;

/**
 * The reactions that are the same in each phase of a session: its owner may stop it, and nothing starts it or
 * waits for it.
 */
const inSession = { start: no, ...noWait, stop, failed } as const;

/**
 * The reaction of each phase to each event, complete by the compiler: one that is missing does not
 * type-check.
 */
export const reactions: Readonly<Record<FollowerPhase, Readonly<Record<FollowerEvent, Reaction>>>> = {
  idle: { ...noWait, ...noSession, start: attempt, stop: to('stopped', ['announceStop']) },
  waiting: {
    ...noSession,
    start: no,
    stop: to('stopped', ['cancelWait', 'endRefusal', 'announceStop']),
    retryDue: no,
    room: to('connecting', ['openSession']),
  },
  connecting: {
    ...noContent,
    ...inSession,
    opened: to('greeting', ['showState']),
    continues: no,
    renews: no,
    cut: lost,
    faulted: lost,
    disowned: no,
    failed: no,
  },
  greeting: {
    ...noContent,
    ...inSession,
    opened: no,
    continues: to('resuming', ['adopt']),
    renews: to('awaiting'),
    cut: lost,
    faulted: lost,
    disowned: { ...lost, claim: 'nothing' },
  },
  resuming: {
    ...noHandshake,
    ...noContent,
    ...inSession,
    snapshotBegun,
    follows: to('behind', ['announceLive']),
    cut: lost,
    faulted: lost,
    disowned: { ...lost, claim: 'nothing' },
  },
  awaiting: {
    ...noHandshake,
    ...noContent,
    ...inSession,
    replayBegun: to('replaying', ['announceContent']),
    snapshotBegun,
    cut: lost,
    faulted: lost,
    disowned: no,
  },
  replaying: {
    ...noHandshake,
    ...noContent,
    ...inSession,
    snapshotBegun,
    whole: to('behind', swapped, 'held'),
    cut: lost,
    faulted: lost,
    disowned: { ...lost, claim: 'nothing' },
  },
  loading: {
    ...noHandshake,
    ...noContent,
    ...inSession,
    chunkLoaded: to('loading', ['announceProgress']),
    whole: to('behind', swapped, 'held'),
    cut: lost,
    faulted: lost,
    disowned: { ...lost, claim: 'nothing' },
  },
  reloading: {
    ...noHandshake,
    ...noContent,
    ...inSession,
    chunkLoaded: to('reloading', ['announceProgress']),
    whole: to('level', swapped, 'held'),
    cut: to('paused', ['restartPauses', 'scheduleRetry']),
    faulted: lost,
    disowned: { ...lost, claim: 'nothing' },
  },
  behind: {
    ...noHandshake,
    ...noContent,
    ...inSession,
    snapshotBegun,
    reached: to('level', ['announceLevel']),
    cut: lostLive,
    faulted: lostLive,
    disowned: { ...lostLive, claim: 'nothing' },
  },
  level: {
    ...noHandshake,
    ...noContent,
    ...inSession,
    snapshotBegun: to('reloading', ['announceContent']),
    cut: to('paused', ['restartPauses', 'noteLoss', 'scheduleRetry']),
    faulted: lostLive,
    disowned: { ...lostLive, claim: 'nothing' },
  },
  paused: {
    ...noSession,
    start: no,
    stop: to('stopped', ['cancelRetry', 'endRefusal', 'announceStop']),
    retryDue: attempt,
    room: no,
  },
  stopped: { ...noWait, ...noSession, start: 'ignored', stop: 'ignored' },
};

/** Returns whether a session is under way, whatever it has come to. */
export function hasSession(phase: FollowerPhase): boolean {
  return phase !== 'idle' && phase !== 'waiting' && phase !== 'paused' && phase !== 'stopped';
}

/** Returns whether new content is being built beside what is held. */
export function isBuilding(phase: FollowerPhase): boolean {
  return phase === 'replaying' || isLoading(phase);
}

/** Returns whether a snapshot is under way, between its SnapshotBegin and its SnapshotEnd. */
export function isLoading(phase: FollowerPhase): boolean {
  return phase === 'loading' || phase === 'reloading';
}

/** Returns whether the held content follows the primary. */
export function isLive(phase: FollowerPhase): boolean {
  return phase === 'behind' || phase === 'level';
}

/** Holds the phase and the claim, which change by `raise` alone. */
export class FollowerMachine {
  readonly #perform: (effect: FollowerEffect) => void;
  #phase: FollowerPhase = 'idle';
  #claim: Claim;

  /**
   * Makes a machine whose effects `perform` carries out, which may itself raise events. `claim` is that of
   * the first Hello.
   */
  constructor(perform: (effect: FollowerEffect) => void, claim: Claim = 'held') {
    this.#perform = perform;
    this.#claim = claim;
  }

  get phase(): FollowerPhase {
    return this.#phase;
  }

  /** The claim of the next Hello. */
  get claim(): Claim {
    return this.#claim;
  }

  /**
   * Changes the phase, then carries out the effects; those that remain are dropped when one of them has led
   * elsewhere.
   */
  raise(event: FollowerEvent): void {
    const reaction = reactions[this.#phase][event];
    assert(reaction !== 'impossible', `${event} cannot come while ${this.#phase}`);
    if (reaction === 'ignored') return;
    this.#phase = reaction.to;
    if (reaction.claim !== undefined) this.#claim = reaction.claim;
    for (const effect of reaction.effects) {
      if (this.#phase !== reaction.to) return;
      this.#perform(effect);
    }
  }
}
