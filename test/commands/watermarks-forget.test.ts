import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LaggingReplica } from '../support/lagging-replica.js';
import { directory, follow, startPrimary } from '../support/library.js';
import { eventually } from '../support/processes.js';
import { runCommand } from '../support/run-command.js';

const TOKEN = 'a token that nobody guesses';

it('watermarks --forget takes a replica off the list that left, of whoever has the token', async () => {
  const primary = await startPrimary({ token: TOKEN });
  primary.set('key', 'value');
  primary.flush();
  const tokenFile = join(directory, 'token');
  writeFileSync(tokenFile, TOKEN, { mode: 0o600 });
  const forget = (which: string, ...flags: string[]) =>
    runCommand(['watermarks', primary.bindAddress, '--forget', which, ...flags]);
  const listed = () => primary.replicas().filter(({ state }) => state === 'gone');
  for (let gone = 1; gone <= 2; gone++) {
    const { bindAddress, history } = primary;
    const pairs: [string, string][] = [['node', String(gone).repeat(16)]];
    const replica = new LaggingReplica(bindAddress, history, primary.watermarks(), pairs, TOKEN);
    await eventually(
      () => primary.replicas().filter(({ acknowledged }) => `${acknowledged}` === `${primary.watermarks()}`),
      (level) => level.some(({ state }) => state === 'live'),
    );
    replica.close();
    await eventually(
      () => listed().length,
      (count) => count === gone,
    );
  }
  await follow(primary.bindAddress, { token: TOKEN });
  const [first] = listed();

  expect((await forget('gone')).status).toBe(77);
  expect(listed()).toHaveLength(2);
  const named = await forget(first!.address, '--token-file', tokenFile);
  expect(named).toEqual({
    status: 0,
    stdout: `${primary.bindAddress}: 1 replica that had left is forgotten\n`,
    stderr: '',
  });
  expect(listed()).toHaveLength(1);
  expect((await forget(first!.address, '--token-file', tokenFile)).status).toBe(1);
  const all = await forget('gone', '--token-file', tokenFile, '--json');
  expect(JSON.parse(all.stdout)).toEqual({ endpoints: [{ endpoint: primary.bindAddress, forgotten: 1 }] });
  expect(listed()).toEqual([]);
  expect(primary.replicas()).toHaveLength(1);
  expect((await forget('gone', '--check')).status).not.toBe(0);
});
