/**
 * The pages of docs/ and the other Markdown files: citations of them, and citations in them, name things that
 * exist.
 */
import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { BaseCommand } from '../src/cli/command/base-command.js';
import { errorCodes } from '../src/errors.js';
import * as framesToolkit from '../src/frames/index.js';
import { commandTable } from '../src/resp/commands/index.js';
import { primaryEvents } from '../src/server/events.js';
import { metricNames } from './support/metric-names.js';
import { repositoryRoot } from './support/processes.js';
import { filesIn, markdownIn, read } from './support/repository-files.js';
import { statusDocument } from './support/status-documents.js';

interface Citation {
  /** Repository path of the file that cites. */
  file: string;
  /** Repository path of the page. */
  page: string;
  /** Undefined: the whole page is cited. */
  section: string | undefined;
}

const code = ['src', 'commands', 'bin', 'test'].flatMap((folder) => filesIn(folder, /\.[jt]s$/));
const pages = ['', 'docs', 'fixtures'].flatMap((folder) => markdownIn(folder));
const troubleshooting = 'docs/troubleshooting.md';
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

describe('comments', () => {
  const citations = code.flatMap((file) => citationsIn(file, joinComments(read(file))));

  it('cite pages and sections that exist', () => {
    expect(citations.filter((citation) => !exists(citation)).map(show)).toEqual([]);
  });

  it('cite no document that a clone does not contain', () => {
    const foreign = code.flatMap((file) =>
      Array.from(
        read(file).matchAll(/\b(?:(?:design|fcrp-v1|cli)\.md|reference\/[\w-]+\.\w+)/g),
        ([name]) => `${file}: ${name}`,
      ),
    );
    expect(foreign).toEqual([]);
  });
});

describe('the pages', () => {
  it('are found at all', () => {
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/architecture.md', 'docs/protocol.md']));
  });

  it('have no two headings of one name', () => {
    const repeated = pages.flatMap((page) => {
      const names = headings(page);
      return names.filter((name, at) => names.indexOf(name) !== at).map((name) => `${page}: ${name}`);
    });
    // A changelog repeats its headings for each version.
    expect(repeated.filter((line) => !line.startsWith('CHANGELOG.md'))).toEqual([]);
  });

  it('link to files and headings that exist', () => {
    const broken = pages.flatMap((page) =>
      linksIn(page)
        .filter((target) => !leadsSomewhere(page, target))
        .map((target) => `${page} -> ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('cite sections of each other that exist', () => {
    const citations = pages.flatMap((page) =>
      Array.from(
        prose(page).matchAll(/\]\((?!https?:)([^)#\s]+\.md)\),\s+"([^"]+)"/g),
        ([, target, section]): Citation => ({ file: page, page: fromPage(page, target!), section }),
      ),
    );
    expect(citations.length).toBeGreaterThan(0);
    expect(citations.filter((citation) => !exists(citation)).map(show)).toEqual([]);
  });

  it('name files that exist', () => {
    const missing = pages.flatMap((page) =>
      namesIn(page, /`((?:[\w.-]+\/)+[\w.-]+\.(?:ts|js|json|md|fcrp|txt))`/g)
        .filter((path) => !path.startsWith('dist/'))
        .filter((path) => !['', 'src'].some((folder) => existsSync(join(repositoryRoot, folder, path))))
        .map((path) => `${page}: ${path}`),
    );
    expect(missing).toEqual([]);
  });

  it('name npm scripts that exist', () => {
    const named = pages.flatMap((page) =>
      Array.from(read(page).matchAll(/\bnpm run ([\w:-]+)/g), ([, script]) => ({ page, script: script! })),
    );
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter(({ script }) => scripts[script] === undefined)).toEqual([]);
  });

  it('name flags that some command has, and the command line page names them all', async () => {
    const known = await allFlags();
    // A changelog also names flags of the past.
    const named = pages.filter((page) => page !== 'CHANGELOG.md').flatMap(flagsIn);
    expect(named.filter(({ flag }) => !known.has(flag))).toEqual([]);
    const inPage = new Set(flagsIn('docs/command-line.md').map(({ flag }) => flag));
    expect([...known].filter((flag) => !inPage.has(flag))).toEqual([]);
  });

  it('start servers in containers with flags and variables that exist, from images without a host', async () => {
    const known = await allFlags();
    const files = ['compose.yaml', 'Dockerfile', 'docs/kubernetes.md'];
    const matches = (pattern: RegExp) =>
      files.flatMap((file) => Array.from(read(file).matchAll(pattern), ([, name]) => name!));
    const flags = matches(/(?:^\s*- |")(--[a-z][\w-]*)[="\n]/gm);
    expect(flags.length).toBeGreaterThan(20);
    expect(flags.filter((flag) => !known.has(flag))).toEqual([]);
    const variables = matches(/\b(FASTCACHE_[A-Z_]+)\b/g);
    expect(new Set(variables)).toEqual(new Set(['FASTCACHE_PASSWORD']));
    const images = matches(/(?:image:|^FROM) (\S+)$/gm);
    expect(images.filter((image) => /[./]/.test(image.replace(/:[\w.${}-]+$/, '')))).toEqual([]);
  });

  it('list the refusals of frames that there are', () => {
    const codes = Object.keys(errorCodes).filter((code) => code.startsWith('FCRP_'));
    expect(namesIn('docs/protocol.md', /`(FCRP_[A-Z0-9_]+)`/g)).toEqual(codes.sort());
  });

  it('say of every error what to do', () => {
    const [errors] = read(troubleshooting).split('## Replies to clients');
    const listed = firstCells(errors!).flatMap((cell) => cell.match(/\b[A-Z][A-Z0-9_]+\b/g) ?? []);
    expect(listed.sort()).toEqual(Object.keys(errorCodes).sort());
  });

  it('say of lines of the log what to do, in the words that are logged', () => {
    const [, log] = read(troubleshooting).split('## The log');
    const logged = filesIn('src', /\.ts$/).map((file) => messagesIn(read(file)));
    const lines = firstCells(log!).map((cell) => cell.slice(1, -1));
    expect(lines.length).toBeGreaterThan(20);
    expect(lines.filter((line) => !logged.some((messages) => messages.includes(line)))).toEqual([]);
  });

  it('describe every field of a Status document', () => {
    const document = statusDocument();
    const fields = [document, document.backlog, document.server!, document.replicas[0]!].flatMap(Object.keys);
    const described = namesIn('docs/protocol.md', /`(\w+)`/g);
    expect(fields.filter((field) => !described.includes(field))).toEqual([]);
  });

  it('list the functions of fastcache/frames', () => {
    const listed = namesIn('docs/frames.md', /^\| `(\w+)\(/gm);
    const functions = Object.keys(framesToolkit).filter(
      (name) => /^[a-z]/.test(name) && /Dumps?$|Spaces$/.test(name),
    );
    expect(listed).toEqual(functions.sort());
  });

  it('describe every event of a server', () => {
    const described = namesIn('docs/command-line.md', /`([\w-]+)`/g);
    expect(primaryEvents.filter((event) => !described.includes(event))).toEqual([]);
  });

  it('list the Redis commands that there are', () => {
    const section = /## Commands\n([\s\S]*?)\n## /.exec(read('docs/redis.md'))![1]!;
    const listed = section
      .match(/\b[A-Z]{2,}(_[A-Z]+)*\b/g)!
      .filter((word) => !['COMMAND', 'LIST', 'DOCS'].includes(word));
    const known = commandTable.rows.map(({ fullName }) => fullName.toUpperCase());
    expect([...new Set([...listed, 'COMMAND'])].sort()).toEqual(known.sort());
  });

  it('name metrics that there are', () => {
    const known = metricNames();
    const named = pages
      .flatMap((page) => namesIn(page, /`(fastcache_\w+)`/g))
      .filter((name) => !name.endsWith('_'));
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });
});

/** `docs/protocol.md, "Hello" and "Limits"` cites two sections, `docs/protocol.md` alone the whole page. */
function citationsIn(file: string, text: string): Citation[] {
  return Array.from(text.matchAll(/\bdocs\/[\w-]+\.md/g)).flatMap((found) => {
    const behind = text.slice(found.index + found[0].length);
    const quoted = /^(?:(?:,| and|, and)? "[^"\n]+")+/.exec(behind)?.[0] ?? '';
    const sections = Array.from(quoted.matchAll(/"([^"]+)"/g), ([, section]) => section!);
    const cited: (string | undefined)[] = sections.length === 0 ? [undefined] : sections;
    return cited.map((section) => ({ file, page: found[0], section }));
  });
}

/** A citation may go on in the next line of its comment. */
function joinComments(text: string): string {
  return text.replace(/\n\s*(?:\*(?!\/)|\/\/)\s*/g, ' ');
}

function exists({ page, section }: Citation): boolean {
  if (!existsSync(join(repositoryRoot, page))) return false;
  return section === undefined || headings(page).includes(section);
}

function show({ file, page, section }: Citation): string {
  return `${file} -> ${page}${section === undefined ? '' : `, "${section}"`}`;
}

function headings(page: string): string[] {
  return Array.from(prose(page).matchAll(/^#+ +(.+?)\s*$/gm), ([, name]) => name!.replaceAll('`', ''));
}

function linksIn(page: string): string[] {
  const targets = prose(page).matchAll(/\]\(([^)\s]+)\)/g);
  return Array.from(targets, ([, target]) => target!).filter((target) => !/^[a-z]+:/.test(target));
}

function leadsSomewhere(page: string, target: string): boolean {
  const [path, anchor] = target.split('#');
  const file = path === '' ? page : fromPage(page, path!);
  if (!existsSync(join(repositoryRoot, file))) return false;
  return anchor === undefined || headings(file).map(slug).includes(anchor);
}

/** The anchor that GitHub gives a heading. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** Flags in code of their own, as `--listen`, and in lines that call fastcache. */
function flagsIn(page: string): { page: string; flag: string }[] {
  const text = read(page);
  const alone = text.matchAll(/`(--[a-z][^`]*)`/g);
  const called = text.matchAll(/(?:^|[$`] ?|\/env )fastcache ([a-z][^`\n]*)/gm);
  const flags = [...alone, ...called].flatMap(([, words]) => words!.match(/(?<=^|\s)--[a-z][\w-]*/g) ?? []);
  return flags.map((flag) => ({ page, flag }));
}

async function allFlags(): Promise<Set<string>> {
  const known = new Set(Object.keys(BaseCommand.baseFlags));
  for (const flag of ['help', 'version']) known.add(flag);
  for (const file of filesIn('commands', /\.ts$/)) {
    const module = await import(pathToFileURL(join(repositoryRoot, file)).href);
    for (const flag of Object.keys(module.default.flags)) known.add(flag);
  }
  return new Set([...known].map((flag) => `--${flag}`));
}

/** Each name once, in order. */
function namesIn(page: string, pattern: RegExp): string[] {
  return [...new Set(Array.from(read(page).matchAll(pattern), ([, name]) => name!))].sort();
}

/** The first cells of a text's tables, without those of their heads. */
function firstCells(text: string): string[] {
  return Array.from(text.matchAll(/^\| (`.*?`) \|/gm), ([, cell]) => cell!);
}

/** A source with its texts in one piece each, and `…` for what is put into them. */
function messagesIn(source: string): string {
  return source.replace(/['`] \+\n\s*['`]/g, '').replace(/\$\{[^}]*\}/g, '…');
}

/** Without blocks of code, in which # and [ mean something else. */
function prose(page: string): string {
  return read(page).replace(/^```[\s\S]*?^```$/gm, '');
}

function fromPage(page: string, target: string): string {
  return relative(repositoryRoot, resolve(repositoryRoot, dirname(page), target));
}
