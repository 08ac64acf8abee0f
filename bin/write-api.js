// Writes the reference of the library, docs/api/, from the docstrings of the exports of each entry point. With
// --check it writes nothing, and fails when the pages are not those of the source. It reads the built types.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { register } from 'tsx/esm/api';
import { entries, extract, root } from './extract-api.js';

const TITLES = { index: 'fastcache', frames: 'fastcache/frames' };
const INTRODUCTIONS = {
  index: 'These are the exports of `fastcache`. [embedding.md](../embedding.md) describes how they are used.',
  frames:
    'These are the exports of `fastcache/frames`. [frames.md](../frames.md) describes how they are used.',
};
/** The kinds of exports, in the order of the page. */
const KINDS = {
  Class: 'Classes',
  Function: 'Functions',
  Variable: 'Values',
  Interface: 'Interfaces',
  TypeAlias: 'Types',
};
/** Types of the options, and the beginning that each is for. */
const OPTION_TYPES = { PrimaryOptions: 'primary', ReplicaOptions: 'replica', ServerOptions: 'server' };

register();
const { serverOptions } = await import('../src/server/options.ts');
const optionTexts = readOptionTexts();
const isCheck = process.argv.includes('--check');
const stale = [];
for (const [name, entry] of Object.entries(entries))
  write(join('docs/api', `${name}.md`), page(name, model(entry)));
if (stale.length > 0) {
  process.stderr.write(`${stale.join(', ')}: not as the source; npm run docs:api writes it\n`);
  process.exitCode = 1;
}

function write(path, text) {
  const file = join(root, path);
  if (!isCheck) {
    mkdirSync(join(root, 'docs/api'), { recursive: true });
    writeFileSync(file, text);
  } else if (readOrEmpty(file) !== text) stale.push(path);
}

function readOrEmpty(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Returns the exports of an entry point, with their members. */
function model(entry) {
  const directory = mkdtempSync(join(tmpdir(), 'fastcache-api-'));
  try {
    const file = join(directory, 'model.json');
    extract(entry, { docModel: { enabled: true, apiJsonFilePath: file, includeForgottenExports: true } });
    return JSON.parse(readFileSync(file, 'utf8')).members[0].members;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function page(name, items) {
  const exported = items.filter((item) => !isInner(item));
  const sections = Object.entries(KINDS).flatMap(([kind, title]) => {
    const ofKind = exported.filter((item) => item.kind === kind);
    return ofKind.length === 0 ? [] : [`## ${title}`, ...ofKind.map((item) => itemText(item, items))];
  });
  const inner = innerTypes(exported, items);
  const inners =
    inner.length === 0 ? [] : ['## Parts of these types', ...inner.map((item) => itemText(item, items))];
  const head = `<!-- npm run docs:api writes this page from the docstrings. -->\n\n# ${TITLES[name]}`;
  return `${[head, INTRODUCTIONS[name], ...sections, ...inners].join('\n\n')}\n`;
}

/** Whether an item is not exported, but part of what is. */
function isInner({ canonicalReference }) {
  return canonicalReference.includes('!~');
}

/** Returns the inner types of which the signatures are made; a base has its members where it is extended. */
function innerTypes(exported, items) {
  const named = new Set();
  const reach = (item) => {
    for (const reference of withBases(item, items).flatMap(referencesIn)) {
      const type = items.find((other) => other.canonicalReference === reference && isPart(other));
      if (type === undefined || named.has(type)) continue;
      named.add(type);
      reach(type);
    }
  };
  for (const item of exported) reach(item);
  return items.filter((item) => named.has(item));
}

/** Whether an item is a part that the page shows; the options have their own list. */
function isPart(item) {
  return isInner(item) && ['Interface', 'TypeAlias'].includes(item.kind) && item.name !== 'OptionsOf';
}

function referencesIn(item) {
  const own = item.excerptTokens.flatMap(({ canonicalReference = [] }) => canonicalReference);
  return [...own, ...visibleMembers({ members: [], ...item }).flatMap(referencesIn)];
}

/** Returns an item, and the items that it extends without their being exported. */
function withBases(item, items) {
  const ranges = [item.extendsTokenRange, ...(item.extendsTokenRanges ?? [])].filter(Boolean);
  const names = ranges.flatMap(({ startIndex, endIndex }) =>
    item.excerptTokens.slice(startIndex, endIndex).map(({ canonicalReference }) => canonicalReference),
  );
  const bases = items.filter((other) => isInner(other) && names.includes(other.canonicalReference));
  return [item, ...bases.flatMap((base) => withBases(base, items))];
}

function itemText(item, items) {
  const isShape = item.kind === 'Class' || item.kind === 'Interface';
  const members = isShape ? withBases(item, items).flatMap(visibleMembers) : [];
  return [
    `### ${item.name}`,
    documentation(item),
    `\`\`\`ts\n${signature(item)}${isShape ? ' { … }' : ''}\n\`\`\``,
    members.map(memberText).join('\n'),
    OPTION_TYPES[item.name] === undefined ? '' : optionsText(OPTION_TYPES[item.name]),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** Returns the members that a user of the class can call or read. */
function visibleMembers({ members }) {
  return members.filter((member) => !member.isProtected);
}

function memberText(member) {
  const text = documentation(member).replaceAll('\n', '\n  ');
  return `- \`${signature(member).replace(/\s+/g, ' ')}\`${text === '' ? '' : `  \n  ${text}`}`;
}

/** Returns a signature; a short one without nested types stands in one line. */
function signature({ excerptTokens }) {
  const text = excerptTokens
    .map((token) => token.text)
    .join('')
    .replace(/^export (declare )?/, '')
    .replace(/;$/, '');
  return text.trim().replace(/\{[^{}]{1,100}\}/g, (inner) => inner.replace(/\s+/g, ' '));
}

/** Returns the text of a docstring, without its marks. */
function documentation({ docComment = '' }) {
  return unmark(docComment);
}

function unmark(comment) {
  return comment
    .replace(/^\s*\/\*\*\s?|\s*\*\/\s*$/g, '')
    .replace(/^[ \t]*\* ?/gm, '')
    .trim();
}

/** Returns a list of the options for one beginning; the comments above their rows are their texts. */
function optionsText(role) {
  const names = Object.keys(serverOptions).filter((name) => serverOptions[name].on.includes(role));
  return names
    .map((name) =>
      `- \`${name}\`: must be ${serverOptions[name].expected}.  \n  ${optionTexts.get(name) ?? ''}`.trimEnd(),
    )
    .join('\n');
}

function readOptionTexts() {
  const directory = join(root, 'src/server');
  const files = readdirSync(directory).filter((file) => /options\.ts$/.test(file));
  const rows = files.flatMap((file) =>
    Array.from(
      readFileSync(join(directory, file), 'utf8').matchAll(/^ {2}(\/\*\*[\s\S]*?\*\/)\s+(\w+): \w+[(<]/gm),
      ([, comment, name]) => [name, unmark(comment).replaceAll('\n', '\n  ')],
    ),
  );
  return new Map(rows);
}
