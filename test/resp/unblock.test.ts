/** CLIENT UNBLOCK of a client that waits for replicas. */
import { expect, it } from 'vitest';
import { connect, say, start } from '../support/open-front.js';
import { eventually } from '../support/processes.js';

it('a WAIT ends as if its time had passed, or with an error, and what was sent behind it runs', async () => {
  const { primary } = await start();
  const [waiting, other] = [await connect(primary), await connect(primary)];
  const id = await say(waiting, 'CLIENT', 'ID');
  for (const [reason, answer] of [
    ['TIMEOUT', 0],
    ['ERROR', '-UNBLOCKED client unblocked via CLIENT UNBLOCK'],
  ] as const) {
    const answers = waiting.pipeline([['WAIT', '1', '0'], ['PING']]);
    await eventually(
      () => say(other, 'CLIENT', 'LIST', 'ID', id),
      (line) => line.includes(' flags=b '),
    );
    expect(await other.command('CLIENT', 'UNBLOCK', id, reason)).toBe(1);
    expect(await answers).toEqual([answer, '+PONG']);
    expect(await other.command('CLIENT', 'UNBLOCK', id, reason)).toBe(0);
  }
});

it('a client that a pause holds is not unblocked', async () => {
  const { primary } = await start();
  const [waiting, other] = [await connect(primary), await connect(primary)];
  const id = await say(waiting, 'CLIENT', 'ID');
  await say(other, 'CLIENT', 'PAUSE', '100000', 'WRITE');
  const answer = waiting.command('SET', 'k', 'v');
  await eventually(
    () => say(other, 'CLIENT', 'LIST', 'ID', id),
    (line) => line.includes(' flags=b '),
  );
  expect(await other.command('CLIENT', 'UNBLOCK', id)).toBe(0);
  await say(other, 'CLIENT', 'UNPAUSE');
  expect(await answer).toBe('+OK');
});
