/** Primaries that have lost their content and take it back from their replicas (`recover`). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Replica } from '../../src/index.js';
import { isCaughtUp } from '../support/embedded-pair.js';
import { follow, startPrimary } from '../support/library.js';
import { eventually, freePort } from '../support/processes.js';
import { runCommand } from '../support/run-command.js';
import { Wiretap } from '../support/wiretap.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-recover-'));
afterAll(() => rmSync(directory, { recursive: true }));

const place = async () => `127.0.0.1:${await freePort()}`;

/** The snapshots that a replica is given from now on. */
function snapshotsOf(replica: Replica): number[] {
  const entries: number[] = [];
  replica.on('snapshot', (event) => entries.push(event.entries));
  return entries;
}

async function has(replica: Replica, key: string): Promise<void> {
  await eventually(
    () => replica.get(key)?.toString(),
    (value) => value === 'value',
  );
}

describe('a primary that is started again with recover', () => {
  it('has the content of its replica, and all replicas carry on without a snapshot', async () => {
    const bind = await place();
    const primary = await startPrimary({ bind, shards: 8 });
    for (let at = 0; at < 100; at++) primary.set(`key:${at}`, 'value');
    const relay = await follow(bind, { bind: ':0' });
    const leaf = await follow(bind);
    for (const replica of [relay, leaf]) await isCaughtUp({ primary, replica });
    const snapshots = [snapshotsOf(relay), snapshotsOf(leaf)];
    await primary.close();

    const again = await startPrimary({ bind, recover: [relay.bindAddress!] });
    const notes: string[] = [];
    again.on('log', ({ message }) => notes.push(message));
    expect(again).toMatchObject({ shards: 8, state: undefined, primary: undefined });
    expect(again.keyCount()).toBe(100);
    again.set('new', 'value');
    for (const replica of [relay, leaf]) {
      await has(replica, 'new');
      expect(replica.history).toBe(again.history);
      expect(replica.keyCount()).toBe(101);
    }
    expect(snapshots).toEqual([[], []]);
    expect(notes[0]).toMatch(/^recovered 100 keys of the history [0-9a-f]{32} from /);
  });

  it('takes the content of the furthest, and records what it begins with', async () => {
    const bind = await place();
    const primary = await startPrimary({ bind });
    const slow = await Wiretap.start(bind);
    const behind = await follow(slow.address, { bind: ':0' });
    const ahead = await follow(bind, { bind: ':0' });
    primary.set('first', 'value');
    for (const replica of [behind, ahead]) await isCaughtUp({ primary, replica });
    slow.isOpen = false;
    slow.cut();
    primary.set('second', 'value');
    await isCaughtUp({ primary, replica: ahead });
    await primary.close();

    const record = join(directory, 'recovered.fcrp');
    const recover = [await place(), behind.bindAddress!, ahead.bindAddress!];
    const again = await startPrimary({ bind, recover, record });
    expect(again.get('second')?.toString()).toBe('value');
    again.set('third', 'value');
    slow.isOpen = true;
    for (const replica of [behind, ahead]) await has(replica, 'third');
    expect(behind.get('second')?.toString()).toBe('value');
    await Promise.all([again.close(), slow.close()]);
    const verified = await runCommand(['frames', 'verify', '--loadable', record]);
    expect(verified.status).toBe(0);
    const state = await runCommand(['frames', 'state', record, '--format', 'ndjson']);
    for (const key of ['first', 'second', 'third']) expect(state.stdout).toContain(`"${key}"`);
  });

  it.each(['named', 'followed by the one that is named'])(
    'follows a primary that is %s, or fails',
    async (how) => {
      const bind = await place();
      const primary = await startPrimary({ bind });
      primary.set('key', 'value');
      const replica = await follow(bind, { bind: ':0' });
      await isCaughtUp({ primary, replica });
      const recover = [how === 'named' ? bind : replica.bindAddress!];
      await expect(startPrimary({ bind: ':0', recover })).rejects.toMatchObject({
        code: 'PRIMARY_EXISTS',
        address: bind,
      });
      const follower = await startPrimary({ bind: ':0', recover, recoverOrFollow: true });
      expect(follower.primary).toBe(bind);
      await eventually(
        () => follower.get('key')?.toString(),
        (value) => value === 'value',
      );
      expect(follower.history).toBe(primary.history);
      expect(() => follower.set('key', 'other')).toThrow('takes no writes');
    },
  );

  it('fails where nobody has content, and starts without content where that is meant', async () => {
    const [bind, nobody] = [await place(), await place()];
    const empty = await follow(nobody, { bind: ':0' });
    const recover = [nobody, empty.bindAddress!];
    await expect(startPrimary({ bind, recover })).rejects.toMatchObject({
      code: 'RECOVERY_FAILED',
      message: expect.stringMatching(/no content yet.*\(--fresh\)/),
    });
    const started = await startPrimary({ bind, recover, freshHistory: true });
    expect(started.keyCount()).toBe(0);
  });

  it('presents its token, and says whose is refused', async () => {
    const bind = await place();
    const primary = await startPrimary({ bind, token: 'the right token' });
    const relay = await follow(bind, { bind: ':0', token: 'the right token' });
    primary.set('key', 'value');
    await isCaughtUp({ primary, replica: relay });
    await primary.close();
    const recover = [relay.bindAddress!];
    await expect(startPrimary({ bind, recover, token: 'a wrong token' })).rejects.toMatchObject({
      code: 'TOKEN_REFUSED',
    });
    const again = await startPrimary({ bind, recover, token: 'the right token' });
    expect(again.get('key')?.toString()).toBe('value');
  });

  it('takes options that fit together', async () => {
    for (const options of [
      { recover: [] },
      { recover: ['nowhere'] },
      { recover: ['127.0.0.1:1'], load: 'dump' },
      { recoverOrFollow: true },
    ]) {
      await expect(startPrimary({ bind: ':0', ...options })).rejects.toMatchObject({ code: 'BAD_OPTION' });
    }
  });
});
