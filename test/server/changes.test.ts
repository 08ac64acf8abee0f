/** Changes and a state in the library: an embedded replica as a tap. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Change, FrameKind } from '../../src/index.js';
import { ChangeFold } from '../support/change-fold.js';
import { decodeStream } from '../support/decode-stream.js';
import { directory, follow, startPrimary } from '../support/library.js';
import { eventually } from '../support/processes.js';

describe('changes of an embedded replica', () => {
  it('come in order, one after the other, also to whoever takes them slowly', async () => {
    const primary = await startPrimary();
    primary.set('before', '1');
    const fold = new ChangeFold();
    let taking = 0;
    const replica = await follow(primary.bindAddress, {
      changes: async (change: Change) => {
        expect(++taking).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 2));
        fold.take(change);
        taking--;
      },
    });
    await new Promise((resolve) => replica.on('caught-up', resolve));
    for (let at = 0; at < 50; at++) primary.set(`key:${at}`, 'v');
    primary.del('before');
    await eventually(
      () => fold.content(),
      (lines) => lines.length === 50 && lines.every((line) => line.startsWith('key:')),
    );
    expect(fold.types).toEqual(['snapshot-begin', 'entry', 'snapshot-end', 'record']);
    expect(replica.get('key:7')?.toString()).toBe('v');
  });

  it('end the following when they are taken no more', async () => {
    const primary = await startPrimary();
    const replica = await follow(primary.bindAddress, {
      changes: () => {
        throw new Error('enough');
      },
    });
    const { error } = await new Promise<{ error: Error | undefined }>((resolve) =>
      replica.on('stopped', resolve),
    );
    expect(error?.message).toBe('enough');
    await replica.close();
  });
});

describe('an embedded tap', () => {
  it('goes on where it stood, holds no content, and cannot be promoted', async () => {
    const primary = await startPrimary();
    primary.set('a', '1');
    const state = join(directory, 'changes.state');
    const fold = new ChangeFold();
    const options = { state, changes: (change: Change) => fold.take(change) };
    const first = await follow(primary.bindAddress, options);
    await new Promise((resolve) => first.on('caught-up', resolve));
    expect(first.keyCount()).toBe(0);
    expect(first.get('a')).toBeUndefined();
    expect(first.watermarks()).toEqual(primary.watermarks());
    expect(first.shards).toBe(primary.shards);
    expect(() => first.promote()).toThrow(expect.objectContaining({ code: 'NO_CONTENT' }));
    await first.close();
    primary.set('b', '2');
    const second = await follow(primary.bindAddress, options);
    await new Promise((resolve) => second.on('caught-up', resolve));
    await second.close();
    expect(fold.types).toEqual(['snapshot-begin', 'entry', 'snapshot-end', 'record']);
    expect(fold.content().map((line) => line.split('=')[0])).toEqual(['a', 'b']);
  });

  it('that is closed by what a frame brings about has recorded that frame', async () => {
    const primary = await startPrimary();
    primary.set('a', '1');
    const options = { state: join(directory, 'record.state'), record: join(directory, 'dump') };
    for (let run = 0; run < 3; run++) {
      const tap = await follow(primary.bindAddress, options);
      await new Promise<void>((resolve, reject) => {
        tap.on('caught-up', () => void tap.close().then(resolve, reject));
      });
      primary.set('b', `${run}`);
    }
    const kinds: FrameKind[] = [];
    decodeStream([await readFile(options.record)], ({ header }) => kinds.push(header.kind));
    const { Hello, SnapshotBegin, SnapshotChunk, SnapshotEnd, MutationBatch } = FrameKind;
    const chunks = kinds.filter((kind) => kind === SnapshotChunk);
    // Each run says in a Hello which history it goes on in.
    const resumed = [Hello, MutationBatch];
    expect(kinds).toEqual([Hello, SnapshotBegin, ...chunks, SnapshotEnd, ...resumed, ...resumed]);
  });

  it('is refused with what it cannot have', async () => {
    for (const options of [{ state: 's' }, { state: 's', record: 'd', listen: '127.0.0.1:0' }]) {
      await expect(follow('127.0.0.1:1', options)).rejects.toMatchObject({ code: 'BAD_OPTION' });
    }
  });
});
