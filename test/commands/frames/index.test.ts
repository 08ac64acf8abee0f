import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DumpBuilder } from '../../support/dump-builder.js';
import { runCommand } from '../../support/run-command.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-index-'));
afterAll(() => rmSync(directory, { recursive: true }));
const place = (name: string) => join(directory, name);

const build = new DumpBuilder();
const frames = [...build.snapshot(), build.batch(0), build.batch(1)];

describe('frames index', () => {
  it('makes an index, with which verify finds a flipped bit', async () => {
    const dump = place('dump.fcrp');
    const bytes = Buffer.concat(frames);
    writeFileSync(dump, bytes);
    const without = await runCommand(['frames', 'verify', dump]);
    expect(without.stdout).toContain(
      'values were not checked: FCRP has no checksum of them, and there is no index (frames index makes one)',
    );
    const made = await runCommand(['frames', 'index', '--mode', '640', dump]);
    expect(made).toEqual({
      status: 0,
      stdout: `${dump}.idx: 7 frames, ${bytes.length.toLocaleString('en')} bytes\n`,
      stderr: '',
    });
    expect(statSync(`${dump}.idx`).mode & 0o777).toBe(0o640);
    const sound = await runCommand(['frames', 'verify', dump]);
    expect(sound.status).toBe(0);
    expect(sound.stdout).toContain('7 frames checked against the index, with all values');
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(dump, bytes);
    const flipped = await runCommand(['frames', 'verify', dump]);
    expect(flipped.status).toBe(65);
    const offset = bytes.length - frames.at(-1)!.length;
    expect(flipped.stdout).toContain(
      `byte ${offset} of ${dump}: These ${frames.at(-1)!.length} bytes, a frame, are not`,
    );
    expect(flipped.stdout).toContain('FRAME_HASH_MISMATCH: These bytes were changed after they were written');
  });

  it('refuses stdin, which has no place for an index', async () => {
    const { status, stderr } = await runCommand(['frames', 'index', '-']);
    expect([status, stderr]).toEqual([2, expect.stringContaining('name a file')]);
  });

  it('makes one up to a torn tail, longer when the rest has come, and says so in JSON', async () => {
    const dump = place('torn.fcrp');
    const bytes = Buffer.concat(frames);
    writeFileSync(dump, bytes.subarray(0, -3));
    const torn = await runCommand(['frames', 'index', dump]);
    expect(torn.status).toBe(65);
    expect(torn.stdout).toMatch(/\n {2}it ends at byte \d+, for the dump ends inside its last frame there: /);
    writeFileSync(dump, bytes);
    const whole = await runCommand(['frames', 'index', '--json', dump]);
    expect(whole.status).toBe(0);
    expect(JSON.parse(whole.stdout)).toEqual({
      file: dump,
      index: `${dump}.idx`,
      frames: 7,
      indexedBytes: bytes.length,
      dumpBytes: bytes.length,
      isCut: false,
    });
    expect(readFileSync(`${dump}.idx`).length).toBe(8 * 64);
  });

  it('goes on behind a dump that is not there, and leaves other files alone', async () => {
    const dump = place('beside.fcrp');
    writeFileSync(dump, Buffer.concat(frames));
    writeFileSync(`${dump}.idx`, 'precious');
    writeFileSync(place('second.fcrp'), Buffer.concat(frames));
    const { status, stderr } = await runCommand([
      'frames',
      'index',
      place('none'),
      dump,
      place('second.fcrp'),
    ]);
    expect(status).toBe(66);
    expect(stderr).toContain('There is no such file');
    expect(stderr).toContain('This is no index');
    expect(readFileSync(`${dump}.idx`, 'utf8')).toBe('precious');
    expect(existsSync(place('none.idx'))).toBe(false);
    expect(existsSync(`${place('second.fcrp')}.idx`)).toBe(true);
  });
});
