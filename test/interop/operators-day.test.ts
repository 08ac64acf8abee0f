/** The operator's day in docs/operations.md, "An operator's day", is one that happens, word for word. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { operatorsDay } from '../support/operators-day.js';
import { repositoryRoot } from '../support/processes.js';

it('an operator’s day goes as docs/operations.md shows it', async () => {
  const page = readFileSync(join(repositoryRoot, 'docs/operations.md'), 'utf8');
  const [, shown] = /## An operator's day\n.*?```console\n(.*?)```/s.exec(page)!;
  expect(await operatorsDay()).toBe(shown!.trimEnd());
}, 180_000);
