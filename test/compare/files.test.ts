/**
 * The differences that `verify` finds between a server and a dump or a data directory, and between two of
 * these.
 */
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { snapshotFrames } from '../../src/dump/fold/store-entries.js';
import type { Node } from '../../src/server/node.js';
import { compare, differing, fillNode, primaryNode } from '../support/compared.js';
import { directory } from '../support/library.js';
import { eventually } from '../support/processes.js';

let files = 0;

function dumpOf({ engine }: Node): string {
  const file = join(directory, `${files++}.fcrp`);
  writeFileSync(file, Buffer.concat([...snapshotFrames(engine, engine.watermarks(), {})]));
  return file;
}

it('a server and a dump of it are equal until one of them changes', async () => {
  const primary = await primaryNode();
  fillNode(primary, 0, 3_000);
  const dump = dumpOf(primary);
  expect(await compare(primary.bindAddress!, dump)).toMatchObject({
    isEqual: true,
    isOneHistory: false,
    keys: [3_000, 3_000],
  });
  primary.engine.set('key:7', 'another');
  primary.engine.del('key:8');
  primary.engine.set('added', 'x');
  expect(differing(await compare(dump, primary.bindAddress!))).toEqual([
    'only-first key:8',
    'only-second added',
    'value key:7',
  ]);
});

it('what has expired is no difference from a dump that has it still', async () => {
  const primary = await primaryNode();
  fillNode(primary, 0, 100);
  primary.engine.set('short', 'x', BigInt(Date.now() + 300));
  const dump = dumpOf(primary);
  await eventually(
    () => primary.engine.get('short'),
    (value) => value === undefined,
  );
  expect(await compare(primary.bindAddress!, dump)).toMatchObject({ isEqual: true });
});

it('a data directory is compared with its server, with a dump and with a copy', async () => {
  const data = join(directory, 'data');
  const primary = await primaryNode({ data, fsync: 'always', shards: 2 });
  fillNode(primary, 0, 1_000);
  primary.endTurn();
  await eventually(
    () => primary.keeping.isSynced,
    (isSynced) => isSynced,
  );
  const copy = join(directory, 'copy');
  cpSync(data, copy, { recursive: true, filter: (file) => !/lock/.test(file) });
  expect(await compare(copy, primary.bindAddress!)).toMatchObject({ isEqual: true, keys: [1_000, 1_000] });
  primary.engine.set('key:1', 'another');
  const dump = dumpOf(primary);
  expect(differing(await compare(copy, dump))).toEqual(['value key:1']);
  expect(await compare(copy, copy)).toMatchObject({ isEqual: true });
});
