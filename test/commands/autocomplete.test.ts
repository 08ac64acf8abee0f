/** Completion in a shell, by the script that `fastcache autocomplete` writes, as bash calls it. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommand } from '../support/run-command.js';

const run = promisify(execFile);
const caches = mkdtempSync(join(tmpdir(), 'fastcache-completion-'));
const script = join(caches, 'fastcache/autocomplete/functions/bash/fastcache.bash');

beforeAll(async () => {
  const { status } = await runCommand(['autocomplete', 'bash'], { env: { XDG_CACHE_HOME: caches } });
  expect(status).toBe(0);
});
afterAll(() => rmSync(caches, { recursive: true }));

/** Returns the words that bash offers for the last of these. */
async function offered(...words: string[]): Promise<string[]> {
  const ask =
    'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; ' +
    `_fastcache_autocomplete; printf "%s\\n" "\${COMPREPLY[@]}"`;
  const { stdout } = await run('bash', ['-c', ask, 'bash', script, 'fastcache', ...words]);
  return [...new Set(stdout.split('\n').filter((word) => word !== ''))].sort();
}

it('offers commands, those of a topic, and flags', async () => {
  expect(await offered('wat')).toEqual(['watch', 'watermarks']);
  expect(await offered('data', '')).toEqual(['base', 'ls', 'repair', 'restore', 'verify']);
  expect(await offered('primary', 'start', '--data')).toContain('--data-keep');
});
