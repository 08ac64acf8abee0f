/** Writes that come while a write to the disk is under way: nobody is answered whose write may be lost. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { systemTimers, type Timers } from '../../src/clock.js';
import { primaryConfig } from '../../src/server/config.js';
import { Node } from '../../src/server/node.js';
import { systemNodeSeams } from '../../src/server/system-seams.js';
import { LossyDisk } from '../support/lossy-disk.js';
import { eventually } from '../support/processes.js';
import { RespClient } from '../support/resp-client.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-put-off-'));
afterAll(() => rmSync(directory, { recursive: true }));

const PUT_OFF_MS = 5;
/** The time after which turns end in spite of the disk never comes. */
const patient: Timers = {
  ...systemTimers,
  after: (delayMs, run) => (delayMs === PUT_OFF_MS ? { cancel() {} } : systemTimers.after(delayMs, run)),
};

let count = 0;
async function startOn(disk: LossyDisk): Promise<Node> {
  const roleFile = join(directory, `role ${count++}`);
  const config = primaryConfig({ bind: ':0', listen: ':0', data: 'disk', roleFile, fsync: 'always' });
  const files = { ...systemNodeSeams.files, openData: async () => disk };
  return Node.start(config, { ...systemNodeSeams, timers: patient, files });
}

/** A server whose disk has begun to write what one client has set, while others have set more. */
async function midWrite() {
  const disk = new LossyDisk();
  const node = await startOn(disk);
  onTestFinished(() => node.close().catch(() => {}));
  const connect = async () => {
    const client = await RespClient.connect(node.clientPorts!.address!);
    onTestFinished(() => client.close());
    return client;
  };
  const [first, second, third] = [await connect(), await connect(), await connect()];
  const waiting: (() => void)[] = [];
  disk.delay = (run) => waiting.push(run);
  const answers: string[] = [];
  const set = (client: RespClient, key: string) =>
    client.command('SET', key, 'value').then(
      (reply) => answers.push(`${key} ${String(reply)}`),
      () => answers.push(`${key} closed`),
    );
  const replies = [set(first, 'first')];
  await eventually(
    () => waiting.length,
    (length) => length > 0,
  );
  replies.push(set(second, 'second'));
  await eventually(
    () => node.engine.get('second'),
    (value) => value !== undefined,
  );
  replies.push(set(third, 'third'));
  await eventually(
    () => node.engine.get('third'),
    (value) => value !== undefined,
  );
  expect(answers).toEqual([]);
  const goOn = () => {
    disk.delay = setImmediate;
    for (const run of waiting.splice(0)) run();
  };
  return { disk, node, answers, goOn, answered: () => Promise.all(replies) };
}

it('are answered once they are on the disk as well, which takes one write for all of them', async () => {
  const { disk, answers, goOn, answered } = await midWrite();
  let appends = 0;
  disk.before = (operation, name) => {
    if (operation === 'append' && name.endsWith('.fcrp')) appends += 1;
  };
  goOn();
  await answered();
  expect(answers).toEqual(['first +OK', 'second +OK', 'third +OK']);
  expect(appends).toBe(2);
});

it('are not acknowledged when that write fails', async () => {
  const { disk, answers, goOn, answered } = await midWrite();
  disk.before = () => {
    throw new Error('EIO: i/o error');
  };
  goOn();
  await answered();
  expect(answers.sort()).toEqual(['first closed', 'second closed', 'third closed']);
});

it('are on the disk when they are acknowledged by a server that stops', async () => {
  const { disk, node, answers, goOn, answered } = await midWrite();
  const closed = node.close();
  goOn();
  await closed;
  await answered();
  const again = await startOn(disk);
  onTestFinished(() => again.close());
  for (const key of ['first', 'second', 'third']) {
    if (answers.includes(`${key} +OK`)) expect(again.engine.get(key)?.toString(), key).toBe('value');
  }
  expect(again.engine.keyCount()).toBe(3);
});
