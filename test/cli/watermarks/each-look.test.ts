/** Looks that go on for days: nothing of a look is kept, and nothing delays their end. */
import { describe, expect, it } from 'vitest';
import { eachLook, unlessStopped } from '../../../src/cli/watermarks/each-look.js';
import type { Endpoint } from '../../../src/cli/watermarks/endpoint.js';
import { systemClock, type Timers } from '../../../src/clock.js';
import type { EndpointAnswer } from '../../../src/status/watermarks.js';
import { collectGarbage } from '../../support/collected.js';
import { answered } from '../../support/status-documents.js';

/** Timers whose delays take one turn each. */
const hasty: Timers = {
  after(_delayMs, run) {
    const handle = setImmediate(run);
    return { cancel: () => clearImmediate(handle) };
  },
  endOfTurn: setImmediate,
};

/** Endpoints of which the first answers as `look` does. */
const endpointsOf = (look: () => Promise<EndpointAnswer>) => [{ look } as Endpoint];

function looking(look: () => Promise<EndpointAnswer>, stop: AbortSignal) {
  return { endpoints: endpointsOf(look), intervalMs: 1_000, clock: systemClock, timers: hasty, stop };
}

describe('looks at servers', () => {
  it('keep no answer, however many there were', async () => {
    const answers: WeakRef<EndpointAnswer>[] = [];
    const stop = new AbortController();
    let look: (() => void) | undefined;
    const looks = eachLook(
      looking(async () => {
        const answer = answered();
        answers.push(new WeakRef(answer));
        return answer;
      }, stop.signal),
      () => {
        if (answers.length === 100) look?.();
      },
    );
    await new Promise<void>((resolve) => {
      look = resolve;
    });
    await collectGarbage();
    const kept = answers.slice(0, 90).filter((answer) => answer.deref() !== undefined);
    stop.abort();
    await looks;
    expect(kept).toEqual([]);
  });

  it('end when they are stopped, although a server is silent or a reader takes nothing', async () => {
    const never = new Promise<never>(() => {});
    for (const look of [() => never, async () => answered()]) {
      const stop = new AbortController();
      const looks = eachLook(looking(look, stop.signal), () => never);
      await new Promise(setImmediate);
      stop.abort();
      await looks;
    }
  });

  it('have the fault of what they wait for', async () => {
    const stop = new AbortController();
    await expect(unlessStopped(Promise.reject(new Error('broken')), stop.signal)).rejects.toThrow('broken');
    expect(await unlessStopped(Promise.resolve('done'), stop.signal)).toBe('done');
    stop.abort();
    expect(await unlessStopped(new Promise(() => {}), stop.signal)).toBeUndefined();
  });
});
