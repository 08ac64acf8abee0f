import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, it } from 'vitest';
import { DumpBuilder } from '../../support/dump-builder.js';
import { eventually, FastcacheProcess } from '../../support/processes.js';
import { bytesOf } from '../../support/raw-frames.js';
import { runCommand } from '../../support/run-command.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-verify-'));
afterAll(() => rmSync(directory, { recursive: true }));
const place = (name: string) => join(directory, name);

function dumpFile(name: string, ...parts: (Uint8Array | string)[]): string {
  writeFileSync(place(name), bytesOf(...parts));
  return place(name);
}

const build = new DumpBuilder();
const sound = dumpFile('sound.fcrp', ...build.snapshot(), build.batch(0), build.batch(1));
const [before, behind] = [build.batch(0), build.batch(0)];
const damaged = dumpFile('damaged.fcrp', ...build.snapshot(), 'junk', before, behind.subarray(0, 100));

describe('frames verify', () => {
  it('says ok, and what it looked at', async () => {
    const { status, stdout, stderr } = await runCommand(['frames', 'verify', sound]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.replace(sound, 'FILE')).toBe(`FILE: ok
  loadable: it leads to a key space
  ${readFileSync(sound).length.toLocaleString('en')} bytes
  7 frames (1 SnapshotBegin, 3 SnapshotChunk, 1 SnapshotEnd, 2 MutationBatch)
  10 records, 15 snapshot entries
  values were not checked: FCRP has no checksum of them, and there is no index (frames index makes one)
  1 snapshot, from Begin to End
  4 shards, routing (full-key) checked of 10 records
  shard 0: sequences 1 to 5, 5 records
  shard 1: sequences 1 to 5, 5 records
`);
  });

  it('tells every fault with file, byte, code and what to do, and exits 65', async () => {
    const { status, stdout } = await runCommand(['frames', 'verify', damaged]);
    expect(status).toBe(65);
    const offset = readFileSync(damaged).indexOf('junk');
    expect(stdout).toContain(`byte ${offset} of ${damaged}: This is not an FCRP frame`);
    expect(stdout).toContain('(FCRP_BAD_MAGIC)');
    expect(stdout).toContain(`The frame ends after 100 of ${behind.length} bytes. (FCRP_TRUNCATED)`);
    expect(stdout).toContain(`${damaged}: 2 faults`);
    expect(stdout).toMatch(/FCRP_TRUNCATED: The file merely ends inside its last frame/);
    expect(stdout).toMatch(/FCRP_BAD_MAGIC: .*frames salvage/);
  });

  it('tells the same in one document', async () => {
    const { status, stdout, stderr } = await runCommand(['frames', 'verify', '--json', sound, damaged]);
    expect({ status, stderr }).toEqual({ status: 65, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      files: [
        {
          file: sound,
          ok: true,
          loadable: true,
          records: 10,
          shards: 4,
          sequences: [
            { shard: 0, first: '1', last: '5', records: '5', skipped: '0' },
            { shard: 1, first: '1', last: '5', records: '5', skipped: '0' },
          ],
          faults: [],
        },
        {
          file: damaged,
          ok: false,
          loadable: false,
          notLoadable: { code: 'FCRP_BAD_MAGIC', offset: readFileSync(damaged).indexOf('junk') },
          endsInsideLastFrame: true,
          faultCount: 2,
          damagedBytes: 104,
          faults: [{ code: 'FCRP_BAD_MAGIC', advice: expect.any(String) }, { code: 'FCRP_TRUNCATED' }],
        },
      ],
    });
  });

  it.each([
    ['an empty file', [], 'has no frame', { code: 'DUMP_EMPTY' }],
    ['an answer without content', [build.ack()], 'neither a snapshot', { code: 'DUMP_EMPTY' }],
    ['a dump that begins in the middle of a history', [build.batch(0)], 'byte ', { code: 'SEQUENCE_GAP' }],
  ])(
    'says that %s is sound and not loadable, which --loadable does not accept',
    async (_, parts, why, fault) => {
      const file = dumpFile('unloadable.fcrp', ...parts);
      const plain = await runCommand(['frames', 'verify', file]);
      expect(plain.status).toBe(0);
      expect(plain.stdout).toContain(`${file}: ok\n  not loadable: `);
      expect(plain.stdout).toContain(why);
      const strict = await runCommand(['frames', 'verify', '--loadable', '--json', sound, file]);
      expect(strict.status).toBe(65);
      expect(JSON.parse(strict.stdout)).toMatchObject({
        ok: false,
        files: [
          { ok: true, loadable: true },
          { ok: true, loadable: false, notLoadable: fault },
        ],
      });
      const refusal = await runCommand(['frames', 'state', file]);
      expect(refusal.status).toBe(65);
      expect(refusal.stderr).toContain(fault.code);
    },
  );

  it('lists no more faults than it is told to, and counts the rest', async () => {
    const { status, stdout } = await runCommand(['frames', 'verify', '--max-faults', '1', damaged]);
    expect(status).toBe(65);
    expect(stdout).toContain('1 more fault is not listed');
    expect(stdout).toContain(': 2 faults');
    expect(stdout).not.toContain('FCRP_TRUNCATED');
  });

  it('reads stdin', async () => {
    const { status, stdout } = await runCommand(['frames', 'verify', '-'], { stdin: readFileSync(sound) });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^stdin: ok\n/);
  });

  it('exits 66 for what is no file, and goes on with the next', async () => {
    const text = await runCommand(['frames', 'verify', place('none'), sound]);
    expect(text.status).toBe(66);
    expect(text.stdout).toContain(`${sound}: ok`);
    expect(text.stderr).toContain('NO_INPUT');
    const json = await runCommand(['frames', 'verify', '--json', place('none'), sound]);
    expect(json.status).toBe(66);
    expect(JSON.parse(json.stdout).files).toMatchObject([
      { ok: false, error: { code: 'NO_INPUT' } },
      { ok: true },
    ]);
  });

  it.each([
    [['--shards', '3'], 'power of two'],
    [['--route', 'random'], 'full-key, session-prefix'],
    [['-', '-'], 'only once'],
  ])('exits 2 for %j', async (args, message) => {
    const { status, stderr } = await runCommand(['frames', 'verify', sound, ...args]);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });

  it('escapes file names', async () => {
    const file = dumpFile('x\u001b[31m.fcrp', 'junk');
    const { stdout } = await runCommand(['frames', 'verify', file]);
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toContain('x\\x1b[31m.fcrp');
  });
});

describe.each([
  ['full-key', 'none'],
  ['session-prefix', 'zstd'],
])('what is recorded of a primary that routes by %s and compresses with %s', (route, compression) => {
  it('verifies: its own dump, a replica that follows, and one that came to record', async () => {
    const [own, followed, once] = ['own', 'followed', 'once'].map((name) => place(`${route}-${name}.fcrp`));
    const primary = new FastcacheProcess(
      `primary start --bind :0 --listen :0 --route ${route} --compression ${compression} --snapshot-chunk 4kb --record ${own}`.split(
        ' ',
      ),
    );
    const { bind, listen } = await primary.event('ready');
    const client = new Redis(`redis://${listen}`);
    const write = async (from: number) => {
      const pipeline = client.pipeline();
      for (let i = from; i < from + 1000; i++) pipeline.set(`s:${i % 50}:c:${i}`, `value ${i}`);
      pipeline.del(`s:1:c:${from + 1}`).expire(`s:2:c:${from + 2}`, 1000);
      await pipeline.exec();
    };
    await write(0);
    const replica = new FastcacheProcess(
      `replica follow ${bind} --no-listen --record ${followed}`.split(' '),
    );
    await replica.event('caught-up');
    await write(5000);
    const recorder = await runCommand(
      `replica follow ${bind} --once --no-listen --record ${once}`.split(' '),
    );
    expect(recorder.status).toBe(0);
    const marks = await runCommand(['watermarks', String(bind), '--json']);
    const { watermarks } = JSON.parse(marks.stdout).endpoints[0];
    await eventually(
      async () =>
        JSON.parse((await runCommand(['watermarks', followed!, '--json'])).stdout).endpoints[0].watermarks,
      (reached) => JSON.stringify(reached) === JSON.stringify(watermarks),
    );
    client.disconnect();
    await replica.kill('SIGTERM');
    await primary.kill('SIGTERM');
    const args = ['frames', 'verify', '--json', '--route', route, own!, followed!, once!];
    const { status, stdout } = await runCommand(args);
    const { files } = JSON.parse(stdout);
    expect(files.flatMap(({ faults }: { faults: unknown[] }) => faults)).toEqual([]);
    expect(status).toBe(0);
    expect(files).toMatchObject([
      { records: 2004, shards: 4, routedRecords: 2004 },
      { records: 1002, routedRecords: 1002, shards: 4, snapshots: 1 },
      { shards: 4, snapshots: 1, entries: 1998 },
    ]);
  });
});
