/** Times that cannot be meant, and ranges that select nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DumpBuilder } from '../../support/dump-builder.js';
import { runCommand } from '../../support/run-command.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-ranges-'));
afterAll(() => rmSync(directory, { recursive: true }));

const dump = join(directory, 'dump.fcrp');
/** Its records are of 1760000000000. */
writeFileSync(dump, new DumpBuilder().batch(0));

const NOTHING = 'Note: nothing in the dumps is of that range and choice';

describe.each([
  ['decode', []],
  ['stats', []],
  ['cut', ['-o', join(directory, 'cut.fcrp'), '--force']],
])('frames %s', (command, more) => {
  const run = (...range: string[]) => runCommand(['frames', command, ...more, ...range, dump]);

  it('refuses Unix seconds and says what to write', async () => {
    const { status, stderr } = await run('--since', '1795846265');
    expect(status).toBe(2);
    expect(stderr).toContain('--since: 1795846265 is not a time');
    expect(stderr).toContain('if it is in seconds, write 1795846265000');
  });

  it.each([
    ['a time', ['--since', '1795846265000']],
    ['a sequence', ['--start', '100']],
    ['a key', ['--key', 'nobody']],
  ])('says on stderr that %s selects nothing, and not of one that selects something', async (_, range) => {
    const none = await run(...range);
    expect(none.status).toBe(0);
    expect(none.stderr).toContain(NOTHING);
    const some = await run('--until', '1795846265000', '--end', '100', '--key', 'key:*');
    expect([some.status, some.stderr]).toEqual([0, '']);
  });
});

it('frames state says so of a time before all records, and shows nothing', async () => {
  const { status, stdout, stderr } = await runCommand(['frames', 'state', '--until', '2025-01-01', dump]);
  expect([status, stdout]).toEqual([0, '']);
  expect(stderr).toContain(NOTHING);
});
