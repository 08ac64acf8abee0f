/**
 * The id by which a primary knows its replicas again, from the file that keeps it to what monitoring says.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Primary } from '../../src/index.js';
import { directory, follow, startPrimary } from '../support/library.js';
import { eventually } from '../support/processes.js';
import { Wiretap } from '../support/wiretap.js';

const place = (name: string) => join(directory, name);

/** Follows through an address until the primary knows that its content is held, and is lost then. */
async function followOnce(primary: Primary, idFile: string): Promise<void> {
  const tap = await Wiretap.start(primary.bindAddress);
  const replica = await follow(tap.address, { idFile });
  await eventually(
    () =>
      primary.replicas().some(({ state, acknowledged = [] }) => state === 'live' && acknowledged.length > 0),
    (isHeld) => isHeld,
  );
  await tap.close();
  await replica.close();
}

it('a replica that is started again with its id file is the same one to its primary', async () => {
  const primary = await startPrimary({});
  primary.set('key', 'value');
  const idFile = place('id');
  const states = () => primary.replicas().map(({ state }) => state);
  await followOnce(primary, idFile);
  await eventually(states, (now) => now.join() === 'gone');
  const id = readFileSync(idFile, 'utf8');
  expect(id).toMatch(/^[0-9a-f]{16}\n$/);
  expect((statSync(idFile).mode & 0o777).toString(8)).toBe('600');
  await followOnce(primary, idFile);
  await eventually(states, (now) => now.join() === 'gone');
  expect(readFileSync(idFile, 'utf8')).toBe(id);
  // Another one, which has an id for this run alone, is not taken for it.
  const other = await follow(primary.bindAddress);
  await eventually(states, (now) => now.join() === 'live,gone');
  await other.close();
});

it('a file that holds something else is refused and left as it is', async () => {
  writeFileSync(place('no-id'), 'precious');
  const primary = await startPrimary({});
  const refused = follow(primary.bindAddress, { idFile: place('no-id') });
  await expect(refused).rejects.toMatchObject({ code: 'STATE_UNUSABLE', file: place('no-id') });
  expect(readFileSync(place('no-id'), 'utf8')).toBe('precious');
  expect(existsSync(place('no-id.new'))).toBe(false);
});
