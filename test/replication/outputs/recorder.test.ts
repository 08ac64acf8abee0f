import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { KnownDump } from '../../../src/files/dump-digest.js';
import { openFileSink } from '../../../src/files/file-sink.js';
import type { FrameSink } from '../../../src/files/frame-sink.js';
import { encodeFrame } from '../../../src/frame/frame.js';
import { decodeHelloFrame } from '../../../src/frame/hello.js';
import { FrameKind, frameKindName } from '../../../src/frame/kinds.js';
import { FrameSplitter } from '../../../src/frame/splitter.js';
import { encodeWatermarks } from '../../../src/frame/watermarks.js';
import type { History } from '../../../src/replication/history.js';
import { Recorder } from '../../../src/replication/outputs/recorder.js';
import { RecorderFeed } from '../../../src/replication/outputs/recorder-feed.js';
import { parseAddress } from '../../../src/transport/address.js';
import { PRIMARY_ADDRESS, startFollower, startPrimary } from '../../support/virtual-cluster.js';
import { VirtualTransport } from '../../support/virtual-transport.js';
import { VirtualWorld } from '../../support/virtual-world.js';

/** Takes `room` writes, then is full until it is drained. */
class NarrowSink implements FrameSink {
  handlers: FrameSink['handlers'] = { onDrain() {}, onFault() {} };
  readonly unwrittenBytes = 0;
  readonly written: string[] = [];
  room: number;
  ended = false;
  constructor(room: number) {
    this.room = room;
  }
  begin(): void {}
  write(bytes: Uint8Array): boolean {
    this.written.push(Buffer.from(bytes).toString());
    this.room -= 1;
    return this.room > 0;
  }
  async sync(): Promise<void> {}
  digest(): string {
    return '';
  }
  async end(): Promise<void> {
    this.ended = true;
  }
}

function record(room: number, maxQueuedBytes = 10) {
  const { sink, faults, recorder } = unbegun(room, maxQueuedBytes);
  recorder.begin();
  const offer = (text: string) => recorder.offer(Buffer.from(text));
  return { sink, faults, recorder, offer };
}

function unbegun(room = 100, maxQueuedBytes = 10) {
  const sink = new NarrowSink(room);
  const faults: string[] = [];
  const recorder = new Recorder({
    sink,
    maxQueuedBytes,
    onFault: ({ code, message }) => faults.push(`${code} ${message}`),
  });
  return { sink, faults, recorder };
}

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});
async function temporaryFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fastcache-'));
  folders.push(folder);
  return join(folder, 'dump.fcrp');
}

describe('a recorder', () => {
  it('writes frames in order, also those that had to wait', () => {
    const { sink, offer } = record(2);
    for (const text of ['a', 'b', 'c', 'd']) offer(text);
    expect(sink.written).toEqual(['a', 'b']);
    sink.room = 10;
    sink.handlers.onDrain();
    expect(sink.written).toEqual(['a', 'b', 'c', 'd']);
  });

  it('stops, and says so once, when its sink falls too far behind', () => {
    const { sink, offer, faults } = record(1, 4);
    for (const text of ['a', 'bb', 'cc', 'd', 'e']) offer(text);
    expect(faults).toEqual([
      'WRITE_FAILED The recording was stopped: its file cannot keep up with the stream.',
    ]);
    sink.room = 10;
    sink.handlers.onDrain();
    expect(sink.written).toEqual(['a']);
  });

  it('stops when its sink faults, and says so again at its end', async () => {
    const { sink, offer, faults, recorder } = record(10);
    offer('a');
    sink.handlers.onFault(new Error('no space left on device'));
    offer('b');
    expect(faults).toEqual(['WRITE_FAILED The recording failed: no space left on device.']);
    expect(sink.written).toEqual(['a']);
    await expect(recorder.end()).rejects.toMatchObject({ code: 'WRITE_FAILED' });
  });

  it('writes what waits before it ends', async () => {
    const { sink, offer, recorder } = record(1);
    for (const text of ['a', 'b', 'c']) offer(text);
    await recorder.end();
    expect(sink).toMatchObject({ written: ['a', 'b', 'c'], ended: true });
  });

  it('has tens of MiB that waited on the disk when it is flushed, and goes on behind them', async () => {
    const path = await temporaryFile();
    const frames = Array.from({ length: 48 }, (_, index) => Buffer.alloc(1_048_576 - index, index));
    const recorder = new Recorder({
      sink: openFileSink(path),
      maxQueuedBytes: 64 * 1_048_576,
      onFault: (error) => expect.unreachable(error.message),
    });
    recorder.begin();
    for (const frame of frames) recorder.offer(frame);
    expect(recorder.queuedBytes).toBeGreaterThan(40 * 1_048_576);
    const flushed = recorder.flush();
    // Frames that come while the flush lasts go behind those that it waits for.
    recorder.offer(Buffer.from('during'));
    await flushed;
    const before = Buffer.concat(frames);
    const onDisk = await readFile(path);
    expect(onDisk.subarray(0, before.length).equals(before)).toBe(true);
    recorder.offer(Buffer.from('after'));
    await recorder.flush();
    expect(recorder.queuedBytes).toBe(0);
    expect((await readFile(path)).subarray(before.length).toString()).toBe('duringafter');
    expect(recorder.bytes).toBe(before.length + 'duringafter'.length);
    await recorder.end();
  });

  it('whose flush fails says so, and to whoever flushes or ends it later', async () => {
    const { sink, offer, recorder, faults } = record(1, 100);
    for (const text of ['a', 'b', 'c']) offer(text);
    sink.sync = () => Promise.reject(new Error('no space left on device'));
    await expect(recorder.flush()).rejects.toThrow('no space left on device');
    expect(sink.written).toEqual(['a', 'b', 'c']);
    sink.handlers.onFault(new Error('no space left on device'));
    await expect(recorder.end()).rejects.toThrow('The recording failed: no space left on device.');
    expect(faults).toHaveLength(1);
  });

  it('keeps in a file exactly the frames that a primary published', async () => {
    const path = await temporaryFile();
    const world = new VirtualWorld();
    const primary = await startPrimary(world, new VirtualTransport(world), { store: { shards: 1 } });
    const recorder = new Recorder({
      sink: openFileSink(path),
      maxQueuedBytes: 1_000_000,
      onFault: (error) => expect.unreachable(error.message),
    });
    recorder.begin();
    const feed = new RecorderFeed(recorder, 1_000_000, primary.publisher.backlog);
    for (let write = 0; write < 500; write += 1) {
      primary.store.set(`key:${write}`, 'v'.repeat(write));
      world.run(1);
    }
    feed.leave();
    await recorder.end();
    const catchUp = primary.publisher.backlog.catchUp([primary.history.base]);
    expect(catchUp.kind === 'frames' && (await readFile(path)).equals(Buffer.concat(catchUp.frames))).toBe(
      true,
    );
    await primary.stop();
  });

  it('on a follower keeps the stream as it came: the snapshot, then the live frames', async () => {
    const world = new VirtualWorld();
    const transport = new VirtualTransport(world);
    transport.conditions.sliceBytes = 777;
    const primary = await startPrimary(world, transport);
    for (let write = 0; write < 300; write += 1) primary.store.set(`key:${write}`, 'v');
    const frames: Buffer[] = [];
    const { follower } = startFollower(world, transport, {
      address: parseAddress(PRIMARY_ADDRESS),
      recorder: { offer: (frame) => frames.push(frame), follow() {} },
    });
    const received: Buffer[] = [];
    world.runUntil(() => transport.pairs.length === 1);
    const { handlers } = transport.pairs[0]!.client;
    const { onData } = handlers;
    handlers.onData = (chunk) => {
      received.push(Buffer.from(chunk));
      onData(chunk);
    };
    world.run(100);
    primary.store.del('key:7');
    world.run(100);
    const stream = Buffer.concat(received);
    const recorded = Buffer.concat(frames);
    // All that came behind the primary's Hello.
    expect(stream.subarray(stream.length - recorded.length).equals(recorded)).toBe(true);
    expect(stream.readUInt32LE(8) + 16).toBe(stream.length - recorded.length);
    follower.stop();
    await primary.stop();
  });

  it('tells when what was offered is on the disk, and goes on behind what is kept of it', async () => {
    const path = await temporaryFile();
    const open = (kept?: KnownDump) =>
      new Recorder({
        sink: openFileSink(path, { kept, isResumable: true }),
        maxQueuedBytes: 10_000_000,
        bytesBefore: kept?.bytes ?? 0,
        onFault: (error) => expect.unreachable(error.message),
      });
    const first = open();
    first.begin();
    // More than the sink takes at once.
    const frames = Array.from({ length: 40 }, (_, index) => Buffer.alloc(100_000, index));
    for (const frame of frames) first.offer(frame);
    await first.flush();
    expect((await readFile(path)).equals(Buffer.concat(frames))).toBe(true);
    expect(first.bytes).toBe(4_000_000);
    const known = { bytes: 1_500_000, sha256: first.digest(1_500_000) };
    await first.end();
    const second = open(known);
    expect((await readFile(path)).length).toBe(4_000_000);
    second.begin();
    second.offer(Buffer.from('behind'));
    expect(second.bytes).toBe(1_500_006);
    await second.end();
    const kept = Buffer.concat([...frames.slice(0, 15), Buffer.from('behind')]);
    expect((await readFile(path)).equals(kept)).toBe(true);
    for (const other of [
      { ...known, bytes: 1_500_007 },
      { ...known, sha256: 'f'.repeat(64) },
    ]) {
      expect(() => open(other)).toThrowError(expect.objectContaining({ code: 'WRITE_FAILED' }));
    }
    expect((await readFile(path)).equals(kept)).toBe(true);
  });

  it('leaves its file alone until it begins, and writes then what was offered before', async () => {
    const { sink, recorder } = unbegun();
    recorder.offer(Buffer.from('early'));
    expect(sink.written).toEqual([]);
    recorder.begin();
    recorder.offer(Buffer.from('late'));
    expect(sink.written).toEqual(['early', 'late']);
    const other = unbegun();
    other.recorder.offer(Buffer.from('early'));
    await other.recorder.end();
    expect(other.sink.written).toEqual([]);
  });

  it('cannot be opened where there is no folder', async () => {
    const path = join(await temporaryFile(), 'nowhere', 'dump.fcrp');
    expect(() => openFileSink(path)).toThrowError(
      expect.objectContaining({ code: 'WRITE_FAILED', file: path }),
    );
  });
});

describe('the Hello of a recorder', () => {
  const one: History = { id: 'a'.repeat(32), base: 100n };
  const other: History = { id: 'b'.repeat(32), base: 200n, previous: { ...one, watermarks: [120n] } };
  const begin = encodeFrame(FrameKind.SnapshotBegin, encodeWatermarks([120n]));
  const end = encodeFrame(FrameKind.SnapshotEnd, encodeWatermarks([120n]));

  /**
   * Returns the frames that were written, each Hello as its margin, or null where it has none, and each other
   * frame as its kind.
   */
  function written(use: (recorder: Recorder) => void, hasDump = false): unknown[] {
    const frames: unknown[] = [];
    const splitter = new FrameSplitter();
    const sink: FrameSink = {
      handlers: { onDrain() {}, onFault() {} },
      unwrittenBytes: 0,
      begin() {},
      write(bytes) {
        splitter.push(bytes, ({ header, wirePayload }) => {
          if (header.kind !== FrameKind.Hello) frames.push(frameKindName(header.kind));
          else {
            const { hello, margin } = decodeHelloFrame(header, wirePayload);
            expect(hello).toMatchObject({ role: 'replica', token: undefined });
            frames.push(margin === undefined ? null : Object.fromEntries(margin));
          }
        });
        return true;
      },
      sync: async () => {},
      digest: () => '',
      end: async () => {},
    };
    const recorder = new Recorder({ sink, maxQueuedBytes: 0, hasDump, onFault() {} });
    recorder.begin();
    use(recorder);
    return frames;
  }
  const told = { history: one.id, base: '100' };

  it('names the history where one begins, and once', () => {
    const frames = written((recorder) => {
      recorder.follow({ history: one, watermarks: [100n], content: 'new' });
      recorder.follow({ history: one, watermarks: [110n], content: 'held' });
      recorder.follow({ history: one, watermarks: [120n], content: 'new' });
      recorder.offer(begin);
      recorder.offer(end);
      recorder.follow({ history: one, watermarks: [120n], content: 'held' });
      recorder.follow({ history: other, watermarks: [200n], content: 'promoted' });
    });
    const prev = `${one.id}@120`;
    const continued = { history: other.id, base: '200', prev, prevbase: '100' };
    expect(frames).toEqual([told, 'SnapshotBegin', 'SnapshotEnd', continued]);
  });

  it('comes again behind half a snapshot, so that what follows is not taken for a part of it', () => {
    const frames = written((recorder) => {
      recorder.follow({ history: one, watermarks: [100n], content: 'new' });
      recorder.offer(begin);
      recorder.follow({ history: one, watermarks: [110n], content: 'held' });
    });
    expect(frames).toEqual([told, 'SnapshotBegin', told]);
  });

  it('waits for a frame where a dump is there, with that of the history which its own continues', () => {
    const follow = (recorder: Recorder) => {
      recorder.follow({ history: other, watermarks: [200n], content: 'new' });
      recorder.follow({ history: one, watermarks: [100n], content: 'new' });
      recorder.follow({ history: other, watermarks: [200n], content: 'promoted' });
    };
    expect(written(follow, true)).toEqual([]);
    const frames = written((recorder) => {
      follow(recorder);
      recorder.offer(begin);
    }, true);
    expect(frames).toEqual([
      told,
      expect.objectContaining({ history: other.id, prevbase: '100' }),
      'SnapshotBegin',
    ]);
  });

  it('says that a history continues what was recorded where it cannot say which history that is', () => {
    const frames = written((recorder) => {
      recorder.follow({ history: undefined, watermarks: [0n], content: 'new' });
      recorder.follow({ history: undefined, watermarks: [7n], content: 'held' });
      recorder.follow({ history: one, watermarks: [100n], content: 'promoted' });
    });
    expect(frames).toEqual([null, { ...told, continues: 'here' }]);
  });

  it('has no margin for a Rust primary, and comes each time that its content begins from the first frame', () => {
    const frames = written((recorder) => {
      recorder.follow({ history: undefined, watermarks: [0n], content: 'new' });
      recorder.follow({ history: undefined, watermarks: [0n], content: 'new' });
    });
    expect(frames).toEqual([null, null]);
  });
});
