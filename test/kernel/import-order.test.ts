/** The order of the kernel's folders (docs/architecture.md, "The kernel"), read from its sources. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, it } from 'vitest';
import { repositoryRoot } from '../support/processes.js';

const kernel = join(repositoryRoot, 'src/kernel');
/** Each folder may import those before it; the files beside the folders come first. */
const order = ['.', 'memory', 'table', 'store', 'payload', 'commands', 'dump'];
/** The files that asc starts from, which import everything. */
const entries = ['index', 'invariants'];

const files = readdirSync(kernel, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length));
const imports = new Map(files.map((file) => [file, importsOf(file)]));

it('a folder of the kernel imports only folders before it, and dump/ knows no commands', () => {
  const wrong = files
    .filter((file) => !entries.includes(file))
    .flatMap((file) => imports.get(file)!.map((target) => ({ file, target })))
    .filter(
      ({ file, target }) =>
        order.indexOf(dirname(target)) > order.indexOf(dirname(file)) ||
        (dirname(file) === 'dump' && dirname(target) === 'commands'),
    );
  expect(wrong).toEqual([]);
  expect(new Set(files.map(dirname))).toEqual(new Set(order));
});

it('no file of the kernel imports itself through others', () => {
  const circles = files.filter((file) => reaches(file, file, new Set()));
  expect(circles).toEqual([]);
});

function importsOf(file: string): string[] {
  const text = readFileSync(join(kernel, `${file}.ts`), 'utf8');
  return Array.from(text.matchAll(/\bfrom '(\.[^']+)'/g), ([, path]) =>
    normalize(join(dirname(file), path!)),
  );
}

function reaches(from: string, target: string, seen: Set<string>): boolean {
  return imports.get(from)!.some((next) => {
    if (next === target) return true;
    if (seen.has(next)) return false;
    seen.add(next);
    return reaches(next, target, seen);
  });
}
