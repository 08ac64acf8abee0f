/** What loading a dump leaves out: keys that have expired since, however many there are. */
import { expect, it } from 'vitest';
import { dropExpired } from '../../../src/dump/fold/load.js';
import { newEngine, StandingClock } from '../../support/engines.js';

it('a load of more expired keys than one sweep takes leaves all of them out, and no other', () => {
  const clock = new StandingClock();
  const engine = newEngine({ clock });
  const value = Buffer.from('v');
  for (let index = 0; index < 200_001; index += 1) {
    engine.set(Buffer.from(`gone:${index}`), value, BigInt(clock.ms + 1_000));
  }
  engine.set(Buffer.from('there'), value, BigInt(clock.ms + 2_000));
  engine.set(Buffer.from('for good'), value);
  clock.pass(1_500);
  expect(dropExpired(engine)).toBe(200_001);
  expect(engine.keyCount()).toBe(2);
});
