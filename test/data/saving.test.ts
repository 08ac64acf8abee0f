/** Content that counts as saved, and a disk that fails while a directory is kept in order. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { baseName, segmentName } from '../../src/data/manifest.js';
import { DataNode, type DataNodeOptions } from '../support/data-node.js';
import { type DiskOperation, LossyDisk } from '../support/lossy-disk.js';
import { eventually } from '../support/processes.js';

const ONE_BASE = { base: 'never', keep: { bases: 1 } } as const;

async function startNode(options: Partial<DataNodeOptions> = {}) {
  const files = new LossyDisk();
  const node = await DataNode.start({ files, segmentBytes: 1_000_000, rules: ONE_BASE, ...options });
  onTestFinished(async () => {
    files.before = () => {};
    await node.stop().catch(() => {});
  });
  return { files, node };
}

/** Has each operation of these kinds on such files fail. */
function fail(files: LossyDisk, operations: readonly DiskOperation[], pattern: RegExp): void {
  files.before = (operation, name) => {
    if (!operations.includes(operation) || !pattern.test(name)) return;
    throw Object.assign(new Error(`EIO: i/o error, ${operation}`), { code: 'EIO' });
  };
}

const isFaulty = (node: DataNode) =>
  eventually(
    () => node.data.fault,
    (fault) => fault !== undefined,
  );

const isMended = (node: DataNode) =>
  eventually(
    () => node.data.fault,
    (fault) => fault === undefined,
  );

/** Has the disk do nothing more from the sync of the first base on, which is the last before it is named. */
function holdBase(files: LossyDisk) {
  const held: (() => void)[] = [];
  const { delay } = files;
  files.behind = (operation, name) => {
    if (operation === 'sync' && name === baseName(1)) files.delay = (run) => held.push(run);
  };
  const isHeld = () =>
    eventually(
      () => held.length,
      (count) => count > 0,
    );
  const release = () => {
    files.behind = () => {};
    files.delay = delay;
    for (const run of held) run();
  };
  return { isHeld, release };
}

describe('old files that cannot be removed', () => {
  it('are logged and removed later, while bases are made and writes are kept', async () => {
    const { files, node } = await startNode();
    fail(files, ['remove'], /\.fcrp/);
    for (const value of ['one', 'two', 'three']) {
      expect(await node.set('key', value)).toBe(true);
      await node.data.makeBase();
      node.data.follow(node.publisher, true);
      expect(await node.set('key', `${value} and more`)).toBe(true);
    }
    expect(node.data.fault).toBeUndefined();
    expect(node.data.save.isLastOk).toBe(true);
    await eventually(
      () => node.log.join('\n'),
      (log) => /base-00000001\.fcrp is needed no more, and was not removed: EIO/.test(log),
    );
    files.before = () => {};
    const kept = await eventually(
      () => files.list(),
      (names) => !names.some((name) => name.endsWith('.synced') && !name.startsWith('segment-00000004')),
    );
    expect(kept.filter((name) => name.startsWith('base'))).toEqual([
      'base-00000003.fcrp',
      'base-00000003.fcrp.idx',
    ]);
  });

  it('do not keep a directory from being opened', async () => {
    const files = new LossyDisk();
    const first = await DataNode.start({ files, rules: ONE_BASE });
    await first.set('key', 'value');
    await first.stop();
    await files.create(baseName(1));
    await files.create(`${baseName(1)}.synced`);
    fail(files, ['remove'], /\.fcrp/);
    const second = await DataNode.start({ files, rules: ONE_BASE });
    expect(second.opened.notes.join('\n')).toMatch(
      /base-00000001\.fcrp is needed no more, and was not removed/,
    );
    files.before = () => {};
    await second.data.makeBase();
    await second.stop();
    const third = await DataNode.start({ files, rules: ONE_BASE });
    expect(third.engine.get('key')?.toString()).toBe('value');
    expect(await files.list()).not.toContain(baseName(1));
    await third.stop();
  });
});

describe('a base that the content needs', () => {
  it.each(['always', 'everysec'] as const)(
    'is a fault of the disk where it cannot be made, and ends it once it is (fsync %s)',
    async (fsync) => {
      const { files, node } = await startNode({ fsync });
      await node.set('key', 'value');
      fail(files, ['append', 'sync'], /^base/);
      node.data.follow(node.publisher, false);
      await isFaulty(node);
      expect(node.data.isSynced).toBe(false);
      const isSynced = new Promise((resolve) => node.data.whenSynced(resolve));
      expect(await isSynced).toBe(false);
      // It is tried again, and leaves nothing behind.
      const tries = node.log.length;
      const segments = (await files.list()).filter((name) => /^segment-\d+\.fcrp$/.test(name));
      const { operations } = files;
      await eventually(
        () => files.operations,
        (now) => now > operations + 100,
      );
      expect((await files.list()).filter((name) => /^segment-\d+\.fcrp$/.test(name))).toEqual(segments);
      expect(node.log.length).toBe(tries);
      files.before = () => {};
      await isMended(node);
      expect(await node.set('key', 'later')).toBe(true);
      expect(node.data.isSynced).toBe(true);
    },
  );
});

describe('a file of somebody else at the name of the next segment or base', () => {
  it('stays as it is, and the one behind it is taken', async () => {
    const { files, node } = await startNode();
    await node.set('key', 'value');
    const own = Buffer.from('not of the server');
    for (const name of [segmentName(2), `${segmentName(3)}.idx`, baseName(1)]) {
      await (await files.create(name)).append([own]);
    }
    node.data.follow(node.publisher, true);
    expect(await node.set('key', 'other')).toBe(true);
    await node.data.makeBase();
    expect(node.data.fault).toBeUndefined();
    for (const name of [segmentName(2), `${segmentName(3)}.idx`, baseName(1)]) {
      expect(files.bytesOf(name)).toEqual(own);
    }
    const names = await files.list();
    expect(names).toContain(segmentName(4));
    expect(names).not.toContain(segmentName(3));
    expect(names).toContain(baseName(2));
  });
});

describe('a base that is being made', () => {
  it('counts for nothing once another stream is followed, however far it is', async () => {
    const { files, node } = await startNode();
    await node.set('key', 'value');
    const { isHeld, release } = holdBase(files);
    const making = node.data.makeBase();
    await isHeld();
    node.data.follow(node.publisher, false);
    release();
    await expect(making).rejects.toThrow('another stream is followed');
    await eventually(
      () => node.data.isSynced,
      (isSynced) => isSynced,
    );
  });

  it('does not keep a stop waiting', async () => {
    const { node } = await startNode();
    await node.set('key', 'value');
    const making = node.data.makeBase();
    const closed = node.data.close(true);
    await expect(making).rejects.toThrow('the server stops');
    await closed;
  });

  it('is not waited for where the content does not need it', async () => {
    const { files, node } = await startNode();
    await node.set('key', 'value');
    const { isHeld, release } = holdBase(files);
    const making = node.data.makeBase();
    await isHeld();
    await node.data.anchor();
    const closed = node.data.close(true);
    release();
    await expect(making).rejects.toThrow('the server stops');
    await closed;
  });

  it('is no warning when a stop gives it up', async () => {
    const { node } = await startNode({ segmentBytes: 1_000, rules: { ...ONE_BASE, base: { bytes: 1 } } });
    node.data.giveUp();
    for (let at = 0; at < 10; at += 1) await node.set(`key ${at}`, 'x'.repeat(300));
    await eventually(
      () => node.log.join(),
      (log) => log.includes('no base was made: the server stops'),
    );
    expect(node.warnings).toEqual([]);
  });
});

describe('what follows the beginning of a stream', () => {
  it('is not on the disk before that is', async () => {
    const { files, node } = await startNode();
    await node.set('key', 'value');
    await eventually(
      () => node.data.isSynced,
      (isSynced) => isSynced,
    );
    expect(node.data.syncedWatermarks).toEqual(node.publisher.watermarks());
    const held: (() => void)[] = [];
    const { delay } = files;
    files.delay = (run) => held.push(run);
    node.data.follow(node.publisher, true);
    expect(node.data.isSynced).toBe(false);
    expect(node.data.syncedWatermarks).toBeUndefined();
    await eventually(
      () => held.length,
      (count) => count > 0,
    );
    files.delay = delay;
    for (const run of held) run();
    await eventually(
      () => node.data.isSynced,
      (isSynced) => isSynced,
    );
    expect(node.data.syncedWatermarks).toEqual(node.publisher.watermarks());
  });
});
