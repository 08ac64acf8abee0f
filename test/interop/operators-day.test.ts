/** The operator's day that README.md tells is one that happens, word for word. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { operatorsDay } from '../support/operators-day.js';
import { repositoryRoot } from '../support/processes.js';

it('an operator’s day goes as README tells it', async () => {
  const readme = readFileSync(join(repositoryRoot, 'README.md'), 'utf8');
  const [, told] = /## An operator's day\n.*?```console\n(.*?)```/s.exec(readme)!;
  expect(await operatorsDay()).toBe(told!.trimEnd());
}, 180_000);
