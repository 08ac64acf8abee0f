/**
 * A signal that comes as soon as a tool has made its half-written file, which shows in which order it acts.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { DumpBuilder } from '../../support/dump-builder.js';
import { repositoryRoot } from '../../support/processes.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-early-signal-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Loaded before the program: the process gets SIGTERM within the call that makes the file. */
const SEAM = join(directory, 'seam.mjs');
const MADE = join(directory, 'made');
writeFileSync(
  SEAM,
  `import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
const { openSync } = fs;
fs.openSync = (path, ...rest) => {
  const fd = openSync(path, ...rest);
  if (!String(path).endsWith('.partial')) return fd;
  fs.writeFileSync(${JSON.stringify(MADE)}, '');
  process.kill(process.pid, 'SIGTERM');
  return fd;
};
syncBuiltinESMExports();
`,
);

it.each(['cut', 'merge', 'salvage', 'state'])('frames %s leaves nothing and exits 143', async (tool) => {
  const dump = join(directory, 'dump.fcrp');
  writeFileSync(dump, Buffer.concat(new DumpBuilder(4).snapshot()));
  rmSync(MADE, { force: true });
  const output = join(directory, `${tool}.out`);
  const target = tool === 'salvage' ? [output] : ['-o', output];
  const args = ['--import', SEAM, 'bin/run.js', 'frames', tool, dump, ...target];
  const child = spawn(process.execPath, args, { cwd: repositoryRoot, stdio: 'ignore' });
  expect(await once(child, 'close')).toEqual([143, null]);
  expect(existsSync(MADE)).toBe(true);
  expect(readdirSync(directory).filter((name) => name.startsWith(`${tool}.out`))).toEqual([]);
});
