/** Dumps that come through a pipe with a name, and an output that takes nothing. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { repositoryRoot } from '../../support/processes.js';
import { runCommand } from '../../support/run-command.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-pipes-'));
afterAll(() => rmSync(directory, { recursive: true }));
const pipe = join(directory, 'pipe.fcrp');
execFileSync('mkfifo', [pipe]);

const ALL = 'fixtures/golden/all.fcrp';

/** Returns the result of `run` while ALL is written to the pipe. */
async function throughPipe<T>(run: () => Promise<T>): Promise<T> {
  const writer = spawn('/bin/sh', ['-c', 'cat "$0" > "$1"', ALL, pipe], { cwd: repositoryRoot });
  try {
    return await run();
  } finally {
    writer.kill();
  }
}

describe('a pipe with a name', () => {
  it.each([
    ['decode', '--format', 'ndjson'],
    ['verify'],
    ['stats'],
    ['state', '--format', 'ndjson'],
    ['cut', '--kind', 'MutationBatch', '-o', '-'],
  ])('is read by frames %s as the file is', async (command, ...flags) => {
    const [fromFile, fromPipe] = [
      await runCommand(['frames', command, ALL, ...flags]),
      await throughPipe(() => runCommand(['frames', command, pipe, ...flags])),
    ];
    // The entries of a key space come in no particular order.
    const lines = (text: string) => text.replaceAll(ALL, pipe).split('\n').sort();
    expect({ ...fromPipe, stdout: lines(fromPipe.stdout) }).toEqual({
      ...fromFile,
      stdout: lines(fromFile.stdout),
      stderr: fromFile.stderr.replaceAll(ALL, pipe),
    });
  });

  it('is salvaged and compared', async () => {
    const saved = join(directory, 'saved.fcrp');
    await throughPipe(() => runCommand(['frames', 'salvage', pipe, saved]));
    await runCommand(['frames', 'salvage', ALL, join(directory, 'expected.fcrp')]);
    expect(readFileSync(saved).equals(readFileSync(join(directory, 'expected.fcrp')))).toBe(true);
    const { status } = await throughPipe(() => runCommand(['frames', 'diff', pipe, ALL]));
    expect(status).toBe(0);
  });
});

it('an output that is full is what is named, not the dump', async () => {
  const child = spawn(process.execPath, ['bin/run.js', 'frames', 'decode', ALL], {
    cwd: repositoryRoot,
    stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
  });
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const status = await new Promise((resolve) => child.once('close', resolve));
  expect(status).toBe(1);
  expect(stderr).toContain('stdout: Writing failed: ENOSPC');
  expect(stderr).not.toContain(ALL);
});
