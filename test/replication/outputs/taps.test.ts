/** Several taps as one: when there is room, and when the flow pauses. */
import { describe, expect, it, vi } from 'vitest';
import type { ChangeConsumer } from '../../../src/replication/outputs/changes.js';
import { Tap } from '../../../src/replication/outputs/tap.js';
import { Taps } from '../../../src/replication/outputs/taps.js';

/** A tap whose consumer is full from its first change on, until `goOn` is called. */
function slowTap(taps: Taps) {
  let goOn: () => void = () => {};
  let fault: Error | undefined;
  const consumer: ChangeConsumer = {
    take() {
      if (fault !== undefined) throw fault;
      return new Promise((resolve) => {
        goOn = resolve;
      });
    },
  };
  const onFault = vi.fn(() => taps.delete(tap));
  const tap = new Tap({ consumer, watermarks: [0n], onFault });
  taps.add(tap);
  return {
    tap,
    onFault,
    goOn: () => goOn(),
    failsNext: (error: Error) => {
      fault = error;
    },
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('several taps', () => {
  it('have room when all have', async () => {
    const taps = new Taps(undefined);
    const [one, other] = [slowTap(taps), slowTap(taps)];
    taps.whole([1n]);
    const run = vi.fn();
    taps.whenRoom(run);
    one.goOn();
    await settled();
    expect(run).not.toHaveBeenCalled();
    other.goOn();
    await settled();
    expect(run).toHaveBeenCalledTimes(1);
  });

  it('are not waited for once they have failed, or have left', async () => {
    const taps = new Taps(undefined);
    const [failing, leaving] = [slowTap(taps), slowTap(taps)];
    taps.whole([1n]);
    taps.whole([2n]);
    const [run, withdrawn] = [vi.fn(), vi.fn()];
    taps.whenRoom(run);
    taps.whenRoom(withdrawn)();
    failing.failsNext(new Error('no such value'));
    failing.goOn();
    await settled();
    expect(failing.onFault).toHaveBeenCalledTimes(1);
    expect(run).not.toHaveBeenCalled();
    taps.delete(leaving.tap);
    expect(run).toHaveBeenCalledTimes(1);
    expect(withdrawn).not.toHaveBeenCalled();
  });

  it('pause the flow while one of them has no room, and let it go on when that leaves', async () => {
    const taps = new Taps(undefined);
    const flow = { pause: vi.fn(), resume: vi.fn() };
    const [one, other] = [slowTap(taps), slowTap(taps)];
    taps.follow(flow);
    taps.whole([1n]);
    expect(flow.pause).toHaveBeenCalledTimes(1);
    one.goOn();
    await settled();
    expect(flow.resume).not.toHaveBeenCalled();
    taps.delete(other.tap);
    expect(flow.resume).toHaveBeenCalledTimes(1);
  });

  it('that come are given the begin of content that is being built', () => {
    const taps = new Taps(undefined);
    taps.follow({ pause() {}, resume() {} });
    taps.began([5n]);
    const take = vi.fn(() => undefined);
    taps.add(new Tap({ consumer: { take }, watermarks: [1n], onFault() {} }));
    taps.whole([6n]);
    expect(take.mock.calls).toEqual([
      [{ type: 'snapshot-begin', watermarks: [5n] }],
      [{ type: 'snapshot-end', watermarks: [6n] }],
    ]);
  });
});
