/** The files of the repository, for the tests that read them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { repositoryRoot } from './processes.js';

/** Repository paths of the files below `folder`, without files that were built or fetched there. */
export function filesIn(folder: string, name: RegExp): string[] {
  const entries = readdirSync(join(repositoryRoot, folder), { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && name.test(entry.name))
    .map((entry) => relative(repositoryRoot, join(entry.parentPath, entry.name)))
    .filter((file) => !/\/(node_modules|target)\//.test(file));
}

/** Repository paths of the Markdown pages in `folder` itself. */
export function markdownIn(folder: string): string[] {
  const names = readdirSync(join(repositoryRoot, folder)).filter((name) => name.endsWith('.md'));
  return names.map((name) => join(folder, name));
}

/** The text of the file at a repository path. */
export function read(file: string): string {
  return readFileSync(join(repositoryRoot, file), 'utf8');
}
