/** Segments with room behind them: readers find what was appended, before and after a crash. */
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { DataFile } from '../../src/data/data-files.js';
import { FileRoom } from '../../src/data/file-room.js';
import { segmentName } from '../../src/data/manifest.js';
import { systemDataFiles } from '../../src/data/system-data-files.js';
import { encodeFrame } from '../../src/frame/frame.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { ROOM_BYTES } from '../../src/frame/room.js';
import { encodeSeal } from '../../src/frame/seal.js';
import { eventually, FastcacheProcess } from '../support/processes.js';
import { RandomSource } from '../support/random.js';
import { RespClient } from '../support/resp-client.js';
import { runCommand } from '../support/run-command.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-room-'));
const files = systemDataFiles(directory, 0o600);
afterAll(() => rmSync(directory, { recursive: true }));

const SEAL = encodeFrame(FrameKind.Seal, encodeSeal({ start: 0, frames: 1, hash: 0x1234_5678n }));

let count = 0;
async function newSegment(): Promise<{ name: string; path: string; file: DataFile }> {
  const name = segmentName(++count);
  return { name, path: join(directory, name), file: await files.create(name) };
}

async function contentOf(name: string): Promise<Buffer> {
  const blocks: Buffer[] = [];
  for await (const block of files.blocks(name)) blocks.push(Buffer.from(block));
  return Buffer.concat(blocks);
}

describe('a segment that is written in synced pieces', () => {
  it('has room while it is written, which readers do not see, and none once it is closed', async () => {
    const { name, path, file } = await newSegment();
    await file.appendSynced([SEAL]);
    await eventually(
      () => statSync(path).size,
      (size) => size === SEAL.length + ROOM_BYTES,
    );
    await file.appendSynced([SEAL]);
    expect(await contentOf(name)).toEqual(Buffer.concat([SEAL, SEAL]));
    expect(await files.size(name)).toBe(2 * SEAL.length);
    await file.close();
    expect(statSync(path).size).toBe(2 * SEAL.length);
  });

  it.each([1, 2, 3, 4])('has what was appended, whatever its pieces are: seed %i', async (seed) => {
    const random = new RandomSource(seed);
    const { name, path, file } = await newSegment();
    const written: Buffer[] = [];
    const sizes = [1, 100, 5_000, 60_000, 65_536, 70_000, 300_000];
    for (let round = 0; round < 120; round += 1) {
      const pieces = Array.from({ length: random.between(1, 3) }, () => random.bytes(random.pick(sizes)));
      pieces.push(SEAL);
      written.push(...pieces);
      // The next bytes are appended while room may still be on its way.
      if (random.chance(0.8)) await file.appendSynced(pieces);
      else await file.append(pieces);
      if (random.chance(0.1)) await file.sync();
    }
    const all = Buffer.concat(written);
    expect((await contentOf(name)).equals(all)).toBe(true);
    await file.close();
    expect(readFileSync(path).equals(all)).toBe(true);
  });
});

describe('room', () => {
  const unlike = (over: Partial<FileHandle>) => new FileRoom(over as FileHandle);

  it('that is being made has the bytes wait that are to take its place, and no others', async () => {
    let made: () => void = () => {};
    const write = () => new Promise((resolve) => (made = () => resolve({ bytesWritten: ROOM_BYTES })));
    const room = unlike({ write: write as FileHandle['write'], datasync: async () => {} });
    room.plan(100);
    expect(room.before(100)).toBeUndefined();
    const waiting = room.before(101);
    expect(waiting).toBeDefined();
    made();
    await waiting;
    expect(room.before(101)).toBeUndefined();
  });

  it.each(['write', 'datasync'] as const)(
    'that cannot be made, as %s fails, is not tried again',
    async (failing) => {
      let tries = 0;
      const fail = async () => {
        tries += 1;
        throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      };
      const write = async () => ({ bytesWritten: ROOM_BYTES, buffer: Buffer.alloc(0) });
      const room = unlike({
        write: write as unknown as FileHandle['write'],
        datasync: async () => {},
        [failing]: fail,
      });
      room.plan(100);
      await room.before(101);
      room.plan(100);
      expect(room.before(101)).toBeUndefined();
      expect(tries).toBe(1);
    },
  );
});

describe('a server with --fsync always that is killed', () => {
  it('leaves room, of which tools and the next start see nothing', async () => {
    const data = join(directory, 'killed');
    const start = ['primary', 'start', '--bind', ':0', '--listen', ':0', '--data', data, '--fsync', 'always'];
    const killed = new FastcacheProcess(start);
    const client = await RespClient.connect((await killed.event('ready')).listen as string);
    for (let at = 0; at < 50; at += 1) await client.command('SET', `key ${at}`, 'value');
    const path = join(data, segmentName(1));
    await eventually(
      () => statSync(path).size,
      (size) => size > ROOM_BYTES,
    );
    await killed.kill('SIGKILL');
    client.close();
    const verified = await runCommand(['data', 'verify', '--json', data]);
    expect(verified.status).toBe(0);
    expect(JSON.parse(verified.stdout).files).toMatchObject([{ isTorn: false, faults: [] }]);
    for (const tool of ['verify', 'stats', 'state', 'decode']) {
      expect(await runCommand(['frames', tool, data]), tool).toMatchObject({ status: 0 });
      expect(await runCommand(['frames', tool, path]), tool).toMatchObject({ status: 0 });
    }
    const alone = join(directory, segmentName(1_000));
    copyFileSync(path, alone);
    expect(await runCommand(['frames', 'index', alone])).toMatchObject({ status: 0 });
    const cut = join(directory, 'cut.fcrp');
    expect(await runCommand(['frames', 'cut', path, '-o', cut])).toMatchObject({ status: 0 });
    const repaired = await runCommand(['data', 'repair', data, '-o', join(directory, 'repaired'), '--json']);
    expect(JSON.parse(repaired.stdout).files).toMatchObject([{ tornBytes: 0, losses: [] }]);
    const next = new FastcacheProcess(start);
    const again = await RespClient.connect((await next.event('ready')).listen as string);
    expect(await again.command('DBSIZE')).toBe(50);
    again.close();
    expect(await next.kill('SIGTERM')).toMatchObject({ code: 0 });
    expect(next.stderr).not.toContain('tear');
    expect(readdirSync(data).filter((name) => name.endsWith('.torn'))).toEqual([]);
    expect(statSync(path).size).toBeLessThan(ROOM_BYTES);
  });
});
