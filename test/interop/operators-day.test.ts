/** The operator's day that README.md tells is one that happens, word for word. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { operatorsDay } from '../support/operators-day.js';

it('an operator’s day goes as README tells it', async () => {
  const [, told] = /## An operator's day\n.*?```console\n(.*?)```/s.exec(readFileSync('README.md', 'utf8'))!;
  expect(await operatorsDay()).toBe(told!.trimEnd());
}, 180_000);
