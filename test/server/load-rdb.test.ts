/** Servers that begin with an RDB file: in the library, and on the command line. */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Primary } from '../../src/index.js';
import { directory, startPrimary } from '../support/library.js';
import { repositoryRoot } from '../support/processes.js';
import { plain, rdbOf } from '../support/rdb-builder.js';
import { runCommand } from '../support/run-command.js';

const place = (name: string) => join(directory, name);
const everything = join(repositoryRoot, 'fixtures/rdb/redis-7.0.rdb');

it('a primary begins with the strings of an RDB file, whatever its name', async () => {
  copyFileSync(everything, place('dump.fcrp'));
  const read: number[] = [];
  const primary = await startPrimary({
    load: place('dump.fcrp'),
    shards: 8,
    skipOtherTypes: true,
    skipOtherDatabases: true,
    onLoading: (bytes) => read.push(bytes),
  });
  expect(primary.keyCount()).toBe(23);
  expect(primary.get('int:-32768')?.toString()).toBe('-32768');
  expect(primary.base).toBeGreaterThan(0n);
  expect(read.at(-1)).toBeGreaterThan(10_000);
  const third = await startPrimary({
    load: place('dump.fcrp'),
    loadDatabase: 3,
    skipOtherTypes: true,
    skipOtherDatabases: true,
  });
  expect(third.get('elsewhere')?.toString()).toBe('v');
});

it('a primary does not begin with an RDB file of which something would be missing', async () => {
  const start = (load: string) => Primary.start({ bind: ':0', listen: false, load });
  await expect(start(everything)).rejects.toMatchObject({ code: 'RDB_OTHER_TYPES', file: everything });
  writeFileSync(place('torn.rdb'), rdbOf(10, 0, plain('k'), plain('v')).subarray(0, -9));
  await expect(start(place('torn.rdb'))).rejects.toMatchObject({
    code: 'RDB_TRUNCATED',
    file: place('torn.rdb'),
    offset: 14,
  });
});

it('the command line names flags, the byte and the status, and what was left out', async () => {
  const start = ['primary', 'start', '--bind', ':0', '--no-listen', '--load', everything];
  const refused = await runCommand(start);
  expect(refused.status).toBe(65);
  expect(refused.stderr).toMatch(/byte \d+ of .*redis-7\.0\.rdb: .*--skip-other-types.*\(RDB_OTHER_TYPES\)/s);
});
