/**
 * The content at a time, through the histories of a promotion and of a crash: of dumps, and of a directory.
 */
import { cpSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { readPast } from '../../../src/data/past-content.js';
import { foldDump } from '../../../src/frames/index.js';
import { Server } from '../../../src/index.js';
import { closesLater, directory, startPrimary } from '../../support/library.js';
import { eventually } from '../../support/processes.js';
import { runCommand } from '../../support/run-command.js';

/** Resolves with a time behind all that was written and before all that will be. */
async function between(): Promise<number> {
  const ms = Date.now();
  await eventually(Date.now, (now) => now > ms + 1);
  return ms + 1;
}

/** Resolves when so many keys of a server that runs are on the disk. */
function has(data: string, keys: number): Promise<unknown> {
  const look = () => readPast(data, {}, () => {}).then(({ keySpace }) => keySpace.keys, String);
  return eventually(look, (found) => found === keys);
}

it('frames state --until shows each history as it was, and each moment of it', async () => {
  const [data, crashed] = [join(directory, 'data'), join(directory, 'crashed')];
  const [first, second] = [join(directory, 'first.fcrp'), join(directory, 'second.fcrp')];
  const moments: { until: number; content: Record<string, string> }[] = [];
  const content: Record<string, string> = {};
  const write = (node: Server, at: number) => {
    for (const [key, value] of [
      ['key', `${at}`],
      [`of ${at}`, 'here'],
    ] as const) {
      node.set(key, value);
      content[key] = value;
    }
    node.flush();
  };

  const primary = await startPrimary();
  const replica = await Server.start({
    bind: ':0',
    listen: false,
    replicaOf: primary.bindAddress,
    data,
    record: first,
  });
  closesLater(replica);
  // Both the dump and the directory go back to an empty store.
  await eventually(
    () => replica.state?.name,
    (name) => name === 'live',
  );
  await has(data, 0);
  for (const at of [1, 2]) {
    write(primary, at);
    await eventually(
      () => replica.get(`of ${at}`),
      (value) => value !== undefined,
    );
    moments.push({ until: await between(), content: { ...content } });
  }
  replica.promote();
  for (const at of [3, 4]) {
    write(replica, at);
    moments.push({ until: await between(), content: { ...content } });
  }
  await primary.close();
  // The files that are copied of a server that runs are those that its crash leaves.
  await has(data, 5);
  cpSync(data, crashed, { recursive: true, filter: (path) => !basename(path).startsWith('lock-') });
  await replica.close();
  const again = await startPrimary({ data: crashed, record: second });
  for (const at of [5, 6]) {
    write(again, at);
    moments.push({ until: await between(), content: { ...content } });
  }
  expect(new Set([primary.history, again.history]).size).toBe(2);
  await again.close();

  for (const [at, { until, content: expected }] of moments.entries()) {
    // The second dump begins with a snapshot, which says no time itself.
    const files = at < 4 ? [first] : [first, second];
    const dumps = await foldDump(files, { untilMs: BigInt(until) });
    const entries = Array.from(dumps.entries(), ({ key, value }) => [`${key}`, `${value}`]);
    expect(Object.fromEntries(entries)).toEqual(expected);
    const { stdout, stderr } = await runCommand(['frames', 'state', crashed, '--until', `${until}`]);
    const lines = stdout.split('\n').filter(Boolean);
    const shown = lines.map((line) => JSON.parse(line) as { key: string; value: string });
    expect(Object.fromEntries(shown.map(({ key, value }) => [key, value])), stderr).toEqual(expected);
  }
});
