import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from './support/processes.js';

const run = promisify(execFile);
const readme = readFileSync(join(repositoryRoot, 'README.md'), 'utf8');
const frames = readFileSync(join(repositoryRoot, 'docs/frames.md'), 'utf8');
const embedding = readFileSync(join(repositoryRoot, 'docs/embedding.md'), 'utf8');
const operations = readFileSync(join(repositoryRoot, 'docs/operations.md'), 'utf8');

describe('the README', () => {
  it('has an example program that works when pasted, and ends by itself', async () => {
    expect(await runExample(readme)).toBe("ada [ 'user:1' ]\n");
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

describe('the page on the frames toolkit', () => {
  it('has a whole program that works when pasted, and ends by itself', async () => {
    const [, section] = frames.split('## A whole program');
    expect(await runExample(section!)).toBe(
      'sound true records 2\nset user:1\nset session:1\nchanged user:1\nuser:1 = grace\n',
    );
  });
});

describe('the page on embedding', () => {
  it('has whole programs that work when pasted, and end by themselves', async () => {
    const [, reading, writing, through] = embedding.split('## ');
    expect(await runExample(reading!)).toBe(
      "caught up\n{ theme: 'dark' }\n2 keys, 59 s left\nsettings:ada { theme: 'dark' }\n",
    );
    expect(await runExample(writing!)).toBe('1 true false\nacknowledged by 0\n');
    expect(await runExample(through!)).toBe("{ name: 'Ada' } 1\n");
  });
});

/** The output of a page's first program, run as if it were pasted into a file of the package. */
async function runExample(page: string): Promise<string> {
  const program = /```js\n([\s\S]*?)```/.exec(page)![1]!;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: repositoryRoot,
    timeout: 20_000,
  });
  return stdout;
}

/** The commands and their output in a page's console section, without comments and blank lines. */
function consoleLines(page: string): string[] {
  const [, lines] = /```console\n([\s\S]*?)```/.exec(page)!;
  return lines!.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}
