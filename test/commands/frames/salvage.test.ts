import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { DumpBuilder } from '../../support/dump-builder.js';
import { eventually, repositoryRoot } from '../../support/processes.js';
import { bytesOf } from '../../support/raw-frames.js';
import { runCommand } from '../../support/run-command.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-salvage-'));
afterAll(() => rmSync(directory, { recursive: true }));
const place = (name: string) => join(directory, name);
const [sound, damaged, saved] = [place('sound.fcrp'), place('damaged.fcrp'), place('saved.fcrp')];

const build = new DumpBuilder();
const snapshot = build.snapshot();
const batches = Array.from({ length: 4 }, () => build.batch(0));
writeFileSync(sound, bytesOf(...snapshot, ...batches));
const broken = Buffer.from(batches[1]!);
broken[16 + 4 + 21]! ^= 1;
writeFileSync(damaged, bytesOf(...snapshot, batches[0]!, broken, 'junk', ...batches.slice(2)));
const wholeOfDamaged = bytesOf(...snapshot, batches[0]!, ...batches.slice(2));

describe('frames salvage', () => {
  beforeEach(() => rmSync(saved, { force: true }));

  it('copies a sound dump and exits 0', async () => {
    const { status, stdout } = await runCommand(['frames', 'salvage', sound, saved]);
    expect(status).toBe(0);
    expect(stdout).toContain('nothing was lost');
    expect(readFileSync(saved).equals(readFileSync(sound))).toBe(true);
  });

  it('says what was lost and what is missing, and exits 65', async () => {
    const { status, stdout, stderr } = await runCommand(['frames', 'salvage', damaged, saved]);
    expect({ status, stderr }).toEqual({ status: 65, stderr: '' });
    expect(readFileSync(saved).equals(wholeOfDamaged)).toBe(true);
    const start = bytesOf(...snapshot, batches[0]!).length;
    const lost = broken.length + 4;
    expect(stdout).toContain(`lost: ${lost} bytes, 1 readable frame among them`);
    expect(stdout).toContain(`bytes ${start} to ${start + broken.length - 1} (${broken.length}): `);
    expect(stdout).toContain('(FCRP_KEY_HASH_MISMATCH)');
    expect(stdout).toContain(`(4): This is not an FCRP frame`);
    expect(stdout).toContain('Shard 0 lacks the sequences 6 to 10. (SEQUENCE_GAP)');
    const verified = await runCommand(['frames', 'verify', '--json', saved]);
    expect(JSON.parse(verified.stdout).files[0].faults).toMatchObject([{ code: 'SEQUENCE_GAP' }]);
  });

  it('tells the same in one document, of stdin too', async () => {
    const stdin = readFileSync(damaged);
    const { status, stdout } = await runCommand(['frames', 'salvage', '-', saved, '--json'], { stdin });
    expect(status).toBe(65);
    expect(readFileSync(saved).equals(wholeOfDamaged)).toBe(true);
    expect(JSON.parse(stdout)).toMatchObject({
      input: 'stdin',
      target: saved,
      frames: 8,
      bytes: wholeOfDamaged.length,
      lossCount: 2,
      lostFrames: 1,
      losses: [{ code: 'FCRP_KEY_HASH_MISMATCH' }, { code: 'FCRP_BAD_MAGIC', bytes: 4 }],
      remaining: [{ code: 'SEQUENCE_GAP', expected: '6', found: '11' }],
      sequences: [{ shard: 0, first: '1', last: '20' }],
    });
  });

  it('overwrites nothing unless it is told to', async () => {
    writeFileSync(saved, 'precious');
    chmodSync(saved, 0o600);
    const refused = await runCommand(['frames', 'salvage', damaged, saved]);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain('--force');
    expect(readFileSync(saved, 'utf8')).toBe('precious');
    expect((await runCommand(['frames', 'salvage', damaged, saved, '--force'])).status).toBe(65);
    expect(readFileSync(saved).equals(wholeOfDamaged)).toBe(true);
    expect(statSync(saved).mode & 0o777).toBe(0o600);
    expect((await runCommand(['frames', 'salvage', damaged, directory, '--force'])).status).toBe(2);
  });

  it('never works in place, by whatever name', async () => {
    const copy = readFileSync(damaged);
    symlinkSync(damaged, place('symbolic'));
    linkSync(damaged, place('hard'));
    for (const target of [damaged, `${directory}/./damaged.fcrp`, place('symbolic'), place('hard')]) {
      const { status, stderr } = await runCommand(['frames', 'salvage', damaged, target, '--force']);
      expect(status).toBe(2);
      expect(stderr).toContain('never written over');
    }
    expect(readFileSync(damaged).equals(copy)).toBe(true);
  });

  it('leaves no file when there is nothing to read, or nowhere to write', async () => {
    expect((await runCommand(['frames', 'salvage', place('none'), saved])).status).toBe(66);
    expect((await runCommand(['frames', 'salvage', damaged, place('no/such/directory')])).status).toBe(1);
    expect((await runCommand(['frames', 'salvage', damaged, '-'])).status).toBe(2);
    expect(existsSync(saved)).toBe(false);
    expect(readdirSync(directory).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('leaves no half file when %s ends it', async (signal, expected) => {
    const child = spawn(process.execPath, ['bin/run.js', 'frames', 'salvage', '-', saved], {
      cwd: repositoryRoot,
    });
    const closed = new Promise((resolve) => child.once('close', resolve));
    child.stdin.write(readFileSync(damaged));
    const partial = () => readdirSync(directory).filter((name) => name.endsWith('.partial'));
    await eventually(partial, (names) => names.length === 1);
    child.kill(signal);
    expect(await closed).toBe(expected);
    expect(partial()).toEqual([]);
    expect(existsSync(saved)).toBe(false);
  });
});
