/** Comparisons of replies that are tables: CLIENT LIST, HELLO, INFO, and what COMMAND tells of commands. */
import { showWire, type Wire } from '../resp-wire.js';
import { PROMISED_COMMANDS } from './server-commands.js';

/** Commands of ours that Redis 7.0 has not yet, or that Valkey alone has. */
const NEWER_COMMANDS = new Set(
  'client|setinfo client|no-touch client|capa delex delifeq digest increx msetex repltakeover waitaof'.split(
    ' ',
  ),
);

/**
 * Fields of CLIENT LIST that do not depend on process, machine or time. Not `multi`: Redis queues no more
 * once a watched key has changed, which ours finds out at EXEC.
 */
const CLIENT_FIELDS = new Set('name flags db sub psub ssub cmd user redir resp'.split(' '));

/** Sections of INFO that are promised. */
const INFO_SECTIONS = new Set('Server Clients Memory Stats Replication Keyspace Commandstats'.split(' '));

/** Lines of CLIENT LIST: the same fields in the same order, and those that can be are equal. */
export function sameClients(ours: Wire, theirs: Wire): boolean {
  const shown = ({ text = '' }: Wire): string[] =>
    text
      .replace(/^txt:/, '')
      .trimEnd()
      .split('\n')
      .map((line) =>
        line.replace(/(\w[\w-]*)=(\S*)/g, (field, name) => (CLIENT_FIELDS.has(name) ? field : name)),
      );
  const [mine, others] = [shown(ours), shown(theirs)];
  // Those of earlier sessions, at the front, may be on their way out.
  const count = Math.min(mine.length, others.length);
  return String(mine.slice(-count)) === String(others.slice(-count));
}

export function sameHello(ours: Wire, theirs: Wire): boolean {
  const shown = ({ items = [] }: Wire): string[] =>
    pairsOf(items).map(([name, value]) =>
      /^(version|id)$/.test(name.text!) ? name.text! : `${name.text} ${showWire(value)}`,
    );
  return String(shown(ours)) === String(shown(theirs));
}

export function sameInfo(ours: Wire, theirs: Wire): boolean {
  const shown = ({ text = '' }: Wire): string[] => [
    ...[...text.matchAll(/^# (\w+)\r$/gm)]
      .map(([, section]) => section!)
      .filter((name) => INFO_SECTIONS.has(name)),
    /^db0:keys=\d+,expires=\d+/m.exec(text)?.[0] ?? '',
  ];
  return String(shown(ours)) === String(shown(theirs));
}

/** Names in ours are names in theirs. */
export function subsetOfNames(ours: Wire, theirs: Wire): boolean {
  const known = new Set(theirs.items?.map(({ text }) => text));
  return ours.items!.every(({ text }) => known.has(text) || NEWER_COMMANDS.has(text!));
}

/**
 * Rows of COMMAND INFO: rows of ours are as in Redis, and the commands that were asked for and are not there
 * are the same.
 */
export function sameCommandRows(ours: Wire, theirs: Wire): boolean {
  const missing = ({ items = [] }: Wire) => items.filter((row) => !row.items).length;
  const known = rowsByName(theirs);
  return (
    missing(ours) === missing(theirs) &&
    [...rowsByName(ours)].every(
      ([name, row]) => NEWER_COMMANDS.has(name) || (known.has(name) && sameCommandRow(row, known.get(name)!)),
    )
  );
}

function rowsByName({ items = [] }: Wire): Map<string, Wire> {
  return new Map(items.flatMap((row) => (row.items ? [[row.items[0]!.text!, row] as const] : [])));
}

function sameCommandRow(ours: Wire, theirs: Wire): boolean {
  if (showWire(ours) === showWire(theirs)) return true;
  if (!ours.items || !theirs.items) return false;
  const facts = ({ items = [] }: Wire): string => items.slice(0, -1).map(showWire).join(' ');
  const subcommands = ({ items = [] }: Wire) => rowsByName(items.at(-1)!);
  const known = subcommands(theirs);
  return (
    facts(ours) === facts(theirs) &&
    [...subcommands(ours)].every(([name, row]) => {
      const other = known.get(name);
      return other ? sameCommandRow(row, other) : NEWER_COMMANDS.has(name);
    })
  );
}

/** Of the facts of COMMAND DOCS those that are promised, of the commands that are. */
export function sameCommandDocs(ours: Wire, theirs: Wire): boolean {
  const shown = ({ items = [] }: Wire): Map<string, string> =>
    new Map(
      pairsOf(items).map(([name, { items: doc = [] }]) => {
        const facts = pairsOf(doc).filter(([fact]) => /^(summary|since|group|complexity)$/.test(fact.text!));
        return [name.text!, facts.flat().map(showWire).join(' ')];
      }),
    );
  const [mine, others] = [shown(ours), shown(theirs)];
  return (
    [...mine].every(([name, facts]) => NEWER_COMMANDS.has(name) || others.get(name) === facts) &&
    PROMISED_COMMANDS.every((name) => mine.has(name) === others.has(name))
  );
}

/** Of a map, as RESP3 has it or flat as in RESP2. */
export function pairsOf(items: readonly Wire[]): (readonly [Wire, Wire])[] {
  return items.flatMap((item, n) => (n % 2 === 0 ? [[item, items[n + 1]!] as const] : []));
}
