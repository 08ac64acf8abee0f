/** The blocks of code of a page. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './processes.js';

export interface PageBlock {
  language: string;
  text: string;
}

/** Returns the blocks of the page at this repository path, in their order. */
export function pageBlocks(page: string): PageBlock[] {
  const text = readFileSync(join(repositoryRoot, page), 'utf8');
  return Array.from(text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm), ([, language, block]) => ({
    language: language!,
    text: block!,
  }));
}
