import { describe, expect, it } from 'vitest';
import { type FollowView, followView } from '../../../src/cli/server/follow-view.js';

/** A view, what it writes, and a clock and timers that the test moves. */
function watched(isTTY: boolean): {
  view: FollowView;
  written: () => string;
  tick: () => void;
  armed: () => number;
} {
  let text = '';
  let nowUs = 0;
  let applied = 0;
  const timers = new Set<() => void>();
  const stream = {
    isTTY,
    columns: 60,
    write(chunk: string) {
      text += chunk;
      return true;
    },
  } as unknown as NodeJS.WriteStream;
  const view = followView({
    address: 'primary:7631',
    stream,
    clock: { nowMs: () => nowUs / 1000, monotonicUs: () => nowUs },
    timers: {
      after(_delayMs, run) {
        timers.add(run);
        return { cancel: () => timers.delete(run) };
      },
      endOfTurn: (run) => run(),
    },
    appliedRecords: () => applied,
    keyCount: () => 1_204,
    lagMs: () => (applied > 1_000 ? 3 : undefined),
  });
  return {
    view,
    written() {
      const part = text;
      text = '';
      return part;
    },
    tick() {
      nowUs += 500_000;
      applied += 1000;
      const due = [...timers];
      timers.clear();
      for (const run of due) run();
    },
    armed: () => timers.size,
  };
}

const at = { timeMs: 1_760_000_000_001 };

describe('following, watched', () => {
  it('is one line an event where there is no terminal, of a snapshot one', () => {
    const { view, written } = watched(false);
    view.show({ event: 'connecting', ...at, attempt: 1 } as never);
    for (const entries of [0, 1000, 2000]) view.show({ event: 'snapshot', ...at, entries } as never);
    view.show({ event: 'lost', ...at, error: new Error('gone\u001b[2J'), retryInMs: 42 } as never);
    view.show({ event: 'log', ...at, level: 'warn', message: 'mind this\u0007' } as never);
    expect(written().trimEnd().split('\n')).toEqual([
      '2025-10-09T08:53:20.001Z  connecting  connects to its primary, attempt 1',
      '2025-10-09T08:53:20.001Z  snapshot    0 keys have come of the snapshot',
      '2025-10-09T08:53:20.001Z  lost        has lost its primary, and tries again in 42ms: gone\\x1b[2J',
      '2025-10-09T08:53:20.001Z  warn        mind this\\x07',
    ]);
  });

  it('moves in one line of a terminal, and leaves none behind', () => {
    const { view, written, tick, armed } = watched(true);
    view.show({ event: 'connecting', ...at });
    expect(written()).toBe('\r\u001b[2Kconnecting to primary:7631');
    view.show({ event: 'snapshot', ...at, entries: 512_000 } as never);
    expect(written()).toContain('\r\u001b[2Ksnapshot 512,000 keys, ');
    view.show({ event: 'snapshot', ...at, entries: 0, primaryKeys: 1_000 } as never);
    expect(written()).toContain('snapshot 0 %, 0 of 1,000 keys, ');
    tick();
    view.show({ event: 'snapshot', ...at, entries: 250, primaryKeys: 1_000 } as never);
    expect(written()).toContain('snapshot 25 %, 250 of 1,000 keys, 1s left, 500/s');
    view.show({ event: 'snapshot', ...at, entries: 1_200, primaryKeys: 1_000 } as never);
    expect(written()).toContain('snapshot 99 %, 1,200 of 1,000 keys, ');
    view.show({ event: 'live', ...at });
    expect(written()).toContain('live');
    tick();
    expect(written()).toBe('\r\u001b[2Klive, 1,204 keys, lag 3 ms, 2,000/s applied');
    tick();
    expect(written()).toBe('\r\u001b[2Klive, 1,204 keys, lag 3 ms, 2,000/s applied');
    view.show({ event: 'lost', ...at, error: new Error('gone'), retryInMs: 42 } as never);
    expect(written()).toContain('\r\u001b[2Kwaiting to connect again');
    view.close();
    expect(written()).toBe('\r\u001b[2K');
    expect(armed()).toBe(0);
  });
});
