/**
 * The follower's machine: every phase times every event by hand, and what any course of events keeps true.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type FollowerEffect,
  type FollowerEvent,
  FollowerMachine,
  type FollowerPhase,
  hasSession,
  isBuilding,
  isLive,
  isLoading,
  reactions,
} from '../../../src/replication/replica/follower-machine.js';

/** Where each event leads; `-`: it is ignored; `!`: it is impossible. */
const TABLES = `
                idle      waiting     connecting  greeting    resuming    awaiting    replaying
  start         waiting   !           !           !           !           !           !
  stop          stopped   stopped     stopped     stopped     stopped     stopped     stopped
  retryDue      !         !           !           !           !           !           !
  room          !         connecting  !           !           !           !           !
  opened        !         !           greeting    !           !           !           !
  continues     !         !           !           resuming    !           !           !
  renews        !         !           !           awaiting    !           !           !
  replayBegun   !         !           !           !           !           replaying   !
  snapshotBegun !         !           !           !           loading     loading     loading
  chunkLoaded   !         !           !           !           !           !           !
  whole         !         !           !           !           !           !           behind
  follows       !         !           !           !           behind      !           !
  reached       !         !           !           !           !           !           !
  cut           !         !           paused      paused      paused      paused      paused
  faulted       !         !           paused      paused      paused      paused      paused
  disowned      !         !           !           paused      paused      !           paused
  failed        !         !           !           stopped     stopped     stopped     stopped

                loading   reloading   behind      level       paused      stopped
  start         !         !           !           !           !           -
  stop          stopped   stopped     stopped     stopped     stopped     -
  retryDue      !         !           !           !           waiting     !
  room          !         !           !           !           !           !
  opened        !         !           !           !           !           !
  continues     !         !           !           !           !           !
  renews        !         !           !           !           !           !
  replayBegun   !         !           !           !           !           !
  snapshotBegun !         !           loading     reloading   !           !
  chunkLoaded   loading   reloading   !           !           !           !
  whole         behind    level       !           !           !           !
  follows       !         !           !           !           !           !
  reached       !         !           level       !           !           !
  cut           paused    paused      paused      paused      !           !
  faulted       paused    paused      paused      paused      !           !
  disowned      paused    paused      paused      paused      !           !
  failed        stopped   stopped     stopped     stopped     !           !
`;

/** How to come to each phase. */
const ways: Record<FollowerPhase, FollowerEvent[]> = {
  idle: [],
  waiting: ['start'],
  connecting: ['start', 'room'],
  greeting: ['start', 'room', 'opened'],
  resuming: ['start', 'room', 'opened', 'continues'],
  awaiting: ['start', 'room', 'opened', 'renews'],
  replaying: ['start', 'room', 'opened', 'renews', 'replayBegun'],
  loading: ['start', 'room', 'opened', 'renews', 'snapshotBegun'],
  reloading: ['start', 'room', 'opened', 'continues', 'follows', 'reached', 'snapshotBegun'],
  behind: ['start', 'room', 'opened', 'continues', 'follows'],
  level: ['start', 'room', 'opened', 'continues', 'follows', 'reached'],
  paused: ['start', 'room', 'cut'],
  stopped: ['stop'],
};
const phases = Object.keys(ways) as FollowerPhase[];
const events = Object.keys(reactions.idle) as FollowerEvent[];

function machineIn(phase: FollowerPhase): FollowerMachine {
  const machine = new FollowerMachine(() => {});
  for (const event of ways[phase]) machine.raise(event);
  expect(machine.phase).toBe(phase);
  return machine;
}

function pairs(): [phase: FollowerPhase, event: FollowerEvent, expected: string][] {
  return TABLES.trim()
    .split(/\n\n/)
    .flatMap((table) => {
      const [head = [], ...rows] = table.split('\n').map((line) => line.trim().split(/ +/));
      return rows.flatMap(([event, ...cells]) =>
        cells.map((cell, column): [FollowerPhase, FollowerEvent, string] => [
          head[column] as FollowerPhase,
          event as FollowerEvent,
          cell,
        ]),
      );
    });
}

describe('the table', () => {
  it('lists every phase times every event once', () => {
    const listed = pairs().map(([phase, event]) => `${phase} ${event}`);
    const all = phases.flatMap((phase) => events.map((event) => `${phase} ${event}`));
    expect(listed.toSorted()).toEqual(all.toSorted());
  });

  it.each(phases)('of %s', (phase) => {
    for (const [, event, expected] of pairs().filter(([of]) => of === phase)) {
      const machine = machineIn(phase);
      if (expected === '!') {
        expect(() => machine.raise(event), event).toThrow(`${event} cannot come while ${phase}`);
        expect(machine.phase).toBe(phase);
      } else {
        machine.raise(event);
        expect(machine.phase, event).toBe(expected === '-' ? phase : expected);
      }
    }
  });

  it('names the phases of a session, of new content and of a live link', () => {
    expect(phases.filter(isLive)).toEqual(['behind', 'level']);
    expect(phases.filter(isBuilding).toSorted()).toEqual(['loading', 'reloading', 'replaying']);
    expect(phases.filter(isLoading).toSorted()).toEqual(['loading', 'reloading']);
    const without = phases.filter((phase) => !hasSession(phase));
    expect(without).toEqual(['idle', 'waiting', 'paused', 'stopped']);
  });
});

/** Carries out the effects on counters, and knows by itself what may be true. */
class Model {
  readonly machine: FollowerMachine;
  sessions = 0;
  waits = 0;
  retries = 0;
  holds: boolean;
  mustClaimNothing = false;
  attempts = 0;
  losses = 0;
  levels = 0;
  stops = 0;
  effects = 0;
  lives = 0;
  readonly #stopAt: number;

  constructor(holds: boolean, stopAt: number) {
    this.holds = holds;
    this.#stopAt = stopAt;
    this.machine = new FollowerMachine((effect) => {
      this.#perform(effect);
      this.effects += 1;
      if (this.effects === this.#stopAt) this.machine.raise('stop');
    });
  }

  /**
   * Whether the world could raise it: a claim of nothing cannot be continued, and nothing can be only when it
   * is held.
   */
  canRaise(event: FollowerEvent): boolean {
    const { phase, claim } = this.machine;
    return (
      reactions[phase][event] !== 'impossible' && (event !== 'continues' || (this.holds && claim === 'held'))
    );
  }

  raise(event: FollowerEvent): void {
    if (event === 'room') this.waits -= 1;
    if (event === 'retryDue') this.retries -= 1;
    const isEnd = event === 'cut' || event === 'faulted' || event === 'disowned' || event === 'failed';
    // A session that ends has closed itself before it says so.
    if (isEnd) this.sessions -= 1;
    if (event === 'disowned') this.mustClaimNothing = true;
    if (event === 'whole') this.mustClaimNothing = false;
    this.machine.raise(event);
  }

  /** Raises it if that is impossible, which changes nothing. */
  refuse(event: FollowerEvent): void {
    const { phase } = this.machine;
    if (reactions[phase][event] !== 'impossible') return;
    const { effects } = this;
    expect(() => this.machine.raise(event)).toThrow('cannot come while');
    expect(this.machine.phase).toBe(phase);
    expect(this.effects).toBe(effects);
  }

  #perform(effect: FollowerEffect): void {
    const { phase } = this.machine;
    switch (effect) {
      case 'announceAttempt':
        this.attempts += 1;
        this.levels = 0;
        break;
      case 'waitForRoom':
        this.waits += 1;
        break;
      case 'cancelWait':
        this.waits = 0;
        break;
      case 'openSession':
        this.sessions += 1;
        break;
      case 'closeSession':
        this.sessions = 0;
        break;
      case 'swap':
        this.holds = true;
        break;
      case 'announceLive':
        this.lives += 1;
        expect(isLive(phase)).toBe(true);
        break;
      case 'announceLevel':
        this.levels += 1;
        break;
      case 'scheduleRetry':
        this.retries += 1;
        this.losses += 1;
        break;
      case 'cancelRetry':
        this.retries = 0;
        break;
      case 'announceStop':
        this.stops += 1;
        break;
      default:
    }
  }

  check(): void {
    const { phase, claim } = this.machine;
    // Never two sessions, and none where nobody would close it.
    expect(this.sessions).toBe(hasSession(phase) ? 1 : 0);
    expect(this.waits).toBe(phase === 'waiting' ? 1 : 0);
    expect(this.retries).toBe(phase === 'paused' ? 1 : 0);
    expect(claim).toBe(this.mustClaimNothing ? 'nothing' : 'held');
    if (isLive(phase) || phase === 'resuming') {
      expect(this.holds).toBe(true);
      expect(claim).toBe('held');
    }
    expect(this.levels).toBeLessThanOrEqual(1);
    expect(this.attempts - this.losses).toBeLessThanOrEqual(1);
    expect(this.stops).toBe(phase === 'stopped' ? 1 : 0);
  }
}

/**
 * Of 1,000 choices, those from here on may take the event: an event that ends much would else cut most
 * courses short.
 */
const rare: Partial<Record<FollowerEvent, number>> = {
  stop: 970,
  failed: 970,
  cut: 600,
  faulted: 600,
  disowned: 600,
};

describe('any course of events', () => {
  it('keeps one session, claims nothing only for a reason, and is live only with whole content', () => {
    const seen = new Set<FollowerPhase>();
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.option(fc.integer({ min: 1, max: 60 }), { nil: Number.POSITIVE_INFINITY }),
        fc.array(fc.nat(999), { minLength: 20, maxLength: 150 }),
        (holds, stopAt, choices) => {
          const model = new Model(holds, stopAt);
          seen.add(model.machine.phase);
          for (const choice of choices) {
            const { phase } = model.machine;
            if (choice % 10 === 0) model.refuse(events[choice % events.length]!);
            else {
              const next = events.filter((event) => model.canRaise(event) && choice >= (rare[event] ?? 0));
              if (next.length > 0) model.raise(next[choice % next.length]!);
            }
            model.check();
            seen.add(phase);
          }
        },
      ),
      { numRuns: 200, seed: 1 },
    );
    expect(seen).toEqual(new Set(phases));
  });

  it('drops what was left to do when an effect has stopped the follower', () => {
    const performed: FollowerEffect[] = [];
    const machine: FollowerMachine = new FollowerMachine((effect) => {
      performed.push(effect);
      if (effect === 'swap') machine.raise('stop');
    });
    for (const event of [...ways.loading, 'whole'] as const) machine.raise(event);
    expect(machine.phase).toBe('stopped');
    expect(performed).not.toContain('announceLive');
    expect(performed.at(-1)).toBe('announceStop');
  });

  it('claims nothing until new content is whole, through whatever comes between', () => {
    const machine = machineIn('level');
    machine.raise('disowned');
    for (const event of ['retryDue', 'room', 'cut', 'retryDue', 'room', 'opened', 'renews'] as const) {
      machine.raise(event);
      expect(machine.claim).toBe('nothing');
    }
    machine.raise('snapshotBegun');
    expect(machine.claim).toBe('nothing');
    machine.raise('whole');
    expect(machine.claim).toBe('held');
  });
});
