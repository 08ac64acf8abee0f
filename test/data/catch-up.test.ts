/**
 * The frames that a replica is sent from the segments of a data directory, when the backlog no longer has
 * them.
 */
import { describe, expect, it } from 'vitest';
import { segmentName } from '../../src/data/manifest.js';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import { openPayload } from '../../src/frame/frame.js';
import { indexPath } from '../../src/frame/index-entry.js';
import { FrameSplitter } from '../../src/frame/splitter.js';
import type { ArchivedFrames } from '../../src/replication/primary/archive.js';
import { DataNode, type DataNodeOptions } from '../support/data-node.js';
import { contentOf, newReplica } from '../support/engines.js';
import { LossyDisk } from '../support/lossy-disk.js';
import { RandomSource } from '../support/random.js';

const BACKLOG_BYTES = 2_000;

async function start(options: DataNodeOptions): Promise<DataNode> {
  return DataNode.start({ backlogBytes: BACKLOG_BYTES, ...options });
}

async function write(node: DataNode, count: number, tag: string): Promise<void> {
  for (let at = 0; at < count; at += 1)
    await node.set(`key ${at % 50}`, `${tag} ${at} ${'x'.repeat(at % 200)}`);
}

/** A store at the watermarks of `node`, with nothing in it. */
function emptyAt(node: DataNode): ShardEngine {
  const store = newReplica();
  store.setWatermarks(node.publisher.watermarks());
  return store;
}

/** The acts while a replica catches up. */
interface Meanwhile {
  /** Called behind each step. */
  between?: () => Promise<void>;
  /** Called behind each frame. */
  taken?: () => void;
}

/** Takes all that is lacking, as a feed does; no frame may leave a gap. */
async function catchUp(
  { publisher: { backlog } }: DataNode,
  frames: ArchivedFrames,
  store: ShardEngine,
  { between = async () => {}, taken = () => {} }: Meanwhile = {},
): Promise<void> {
  const take = (bytes: Uint8Array) => {
    const splitter = new FrameSplitter();
    splitter.push(bytes, ({ header, wirePayload }) => {
      store.apply(openPayload(header, wirePayload));
      taken();
    });
    splitter.end();
  };
  while (backlog.needsSnapshot(frames.watermarks) !== undefined) {
    const bytes = await frames.next();
    if (bytes !== undefined) take(bytes);
    await between();
  }
  const { watermarks } = frames;
  frames.close();
  expect(store.watermarks()).toEqual(watermarks);
  const rest = backlog.catchUp(watermarks);
  if (rest.kind === 'frames') for (const frame of rest.frames) take(frame);
}

describe('the segments', () => {
  it('give what the backlog no longer has, from any place on', async () => {
    const files = new LossyDisk();
    const node = await start({ files });
    const stores = [emptyAt(node)];
    for (let round = 0; round < 4; round += 1) {
      await write(node, 60, `round ${round}`);
      const store = emptyAt(node);
      stores.push(store);
    }
    const places = stores.map((store) => store.watermarks());
    await write(node, 100, 'last');
    for (const [at, store] of stores.entries()) {
      expect(node.publisher.backlog.needsSnapshot(places[at]!)).toBeDefined();
      const frames = await node.data.archive.open(node.publisher, places[at]!);
      await catchUp(node, frames!, store);
      expect(store.watermarks()).toEqual(node.publisher.watermarks());
    }
    expect(contentOf(stores[0]!)).toEqual(contentOf(node.engine));
    await node.stop();
  });

  it('are read while they are sealed and bases take their place', async () => {
    const files = new LossyDisk();
    const node = await start({ files });
    const store = emptyAt(node);
    await write(node, 300, 'first');
    const frames = await node.data.archive.open(node.publisher, store.watermarks());
    for (let base = 0; base < 3; base += 1) await node.data.makeBase();
    let round = 0;
    const between = async () => {
      round += 1;
      if (round > 6) return;
      await write(node, 60, `round ${round}`);
      await node.data.makeBase();
    };
    await catchUp(node, frames!, store, { between });
    expect(round).toBeGreaterThan(6);
    expect(contentOf(store)).toEqual(contentOf(node.engine));
    await node.data.makeBase();
    expect(await files.list()).not.toContain(segmentName(1));
    await node.stop();
  });

  it('give frames that are larger than what is read at once', async () => {
    const node = await start({ files: new LossyDisk(), segmentBytes: 2_000_000 });
    const store = emptyAt(node);
    for (let at = 0; at < 6; at += 1) await node.set(`key ${at}`, `${at}`.repeat(700_000));
    await write(node, 100, 'small');
    const frames = await node.data.archive.open(node.publisher, store.watermarks());
    await catchUp(node, frames!, store);
    expect(contentOf(store)).toEqual(contentOf(node.engine));
    await node.stop();
  });

  it('go on from the history that was there before a crash', async () => {
    const files = new LossyDisk();
    const first = await start({ files });
    const [store, level] = [emptyAt(first), newReplica()];
    await write(first, 100, 'first');
    const held = first.publisher.watermarks();
    files.crash(new RandomSource(1));
    const second = await start({ files });
    expect(second.publisher.history.previous?.watermarks).toEqual(held);
    level.setWatermarks(second.publisher.watermarks());
    await write(second, 100, 'second');
    const { publisher, data } = second;
    // Behind the end of the history before, a shard goes on at the base of this one.
    const ends = publisher.history.previous!.watermarks;
    const taken = () =>
      store.setWatermarks(
        store.watermarks().map((own, shard) => (own === ends[shard] ? publisher.history.base : own)),
      );
    const frames = await data.archive.open(publisher, store.watermarks());
    await catchUp(second, frames!, store, { taken });
    expect(contentOf(store)).toEqual(contentOf(second.engine));
    const later = await data.archive.open(publisher, level.watermarks());
    await catchUp(second, later!, level);
    expect(level.watermarks()).toEqual(publisher.watermarks());
    await second.stop();
  });

  it('have nothing for whoever is before them, ahead of them, or of another chain', async () => {
    const files = new LossyDisk();
    const node = await start({ files });
    const store = emptyAt(node);
    await write(node, 200, 'first');
    for (let base = 0; base < 3; base += 1) {
      await write(node, 100, `base ${base}`);
      await node.data.makeBase();
    }
    const { archive } = node.data;
    expect(await archive.open(node.publisher, store.watermarks())).toBeUndefined();
    const ahead = node.publisher.watermarks().map((own) => own + 1n);
    expect(await archive.open(node.publisher, ahead)).toBeUndefined();
    expect(await archive.open(node.publisher, [0n])).toBeUndefined();
    await node.stop();
  });
});

describe('damage in a segment', () => {
  it('is never handed on, wherever it is', async () => {
    for (let at = 0; at < 24; at += 1) {
      const files = new LossyDisk();
      const node = await start({ files });
      const store = emptyAt(node);
      await write(node, 200, 'value');
      const isIndex = at % 3 === 2;
      const name = isIndex ? indexPath(segmentName(2)) : segmentName(2);
      files.damage(name, (bytes) => {
        bytes[Math.floor((bytes.length * at) / 24)]! ^= 1;
        return bytes;
      });
      const { archive } = node.data;
      const frames = await archive.open(node.publisher, store.watermarks()).catch(({ message }) => message);
      if (typeof frames === 'string') expect(frames, `at ${at}`).toContain(segmentName(2));
      else {
        await expect(catchUp(node, frames!, store), `at ${at}`).rejects.toThrow(segmentName(2));
        frames!.close();
        // The given frames are a prefix; no replica is led there once more.
        expect(await archive.open(node.publisher, store.watermarks()), `at ${at}`).toBeUndefined();
      }
      await node.stop();
    }
  });
});
