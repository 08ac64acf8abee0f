import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from './support/processes.js';

const run = promisify(execFile);
const readme = readFileSync(join(repositoryRoot, 'README.md'), 'utf8');

describe('the README', () => {
  it('has an example program that works when pasted, and ends by itself', async () => {
    const program = /```js\n([\s\S]*?)```/.exec(readme)![1]!;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: repositoryRoot,
      timeout: 20_000,
    });
    expect(stdout).toMatch(/^live at( \d+){4}\nhello 1\n$/);
  });
});
