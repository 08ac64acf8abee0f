import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from './support/processes.js';

const run = promisify(execFile);
const readme = readFileSync(join(repositoryRoot, 'README.md'), 'utf8');
const operations = readFileSync(join(repositoryRoot, 'docs/operations.md'), 'utf8');

describe('the README', () => {
  it('has an example program that works when pasted, and ends by itself', async () => {
    const program = /```js\n([\s\S]*?)```/.exec(readme)![1]!;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: repositoryRoot,
      timeout: 20_000,
    });
    expect(stdout).toMatch(/^live at( \d+){4}\nhello 1\n$/);
  });

  it("has a session whose lines are those of the operator's day, in its order", () => {
    const session = consoleLines(readme);
    const day = consoleLines(operations);
    let at = 0;
    const strange = session.filter((line) => {
      const found = day.indexOf(line, at);
      if (found !== -1) at = found + 1;
      return found === -1;
    });
    expect(strange).toEqual([]);
    expect(session.length).toBeGreaterThan(10);
  });
});

/** What is typed and printed in a page's console section; comments and blank lines are the page's own. */
function consoleLines(page: string): string[] {
  const [, lines] = /```console\n([\s\S]*?)```/.exec(page)!;
  return lines!.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}
