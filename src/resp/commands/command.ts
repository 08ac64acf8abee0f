/** COMMAND and its subcommands: the command table as Redis shows it, without the trees of arguments. */

import { wordOf } from '../arguments.js';
import { type Call, type Command, type KeySpec, NO_KEYS, SYNTAX_ERROR } from '../command.js';
import { type CommandTable, type FoundCommand, fitsArity, subcommandsOf } from '../command-table.js';
import { withHelp } from '../container-help.js';
import { hasKeys, keysOf } from '../key-positions.js';
import { Failure, MapReply, type Reply, SetReply, Status } from '../reply.js';

const row = {
  keys: NO_KEYS,
  flags: ['loading', 'stale'],
  categories: ['slow', 'connection'],
  group: 'server',
} as const;
const ANY_ORDER = ['nondeterministic_output_order'] as const;
const SOME = 'O(N) where N is the number of commands to look up';
const ALL = 'O(N) where N is the total number of Redis commands';
const OF_ARGUMENTS = 'O(N) where N is the number of arguments to the command';

/** The rows of COMMAND. `table` is called when a command is run, for the table contains these rows too. */
export function commandCommands(table: () => CommandTable): readonly Command[] {
  const subcommands: readonly Command[] = [
    {
      ...row,
      name: 'count',
      arity: 2,
      since: '2.8.13',
      complexity: 'O(1)',
      summary: 'Get total number of Redis commands',
      help: ['COUNT', '    Return the total number of commands in this Redis server.'],
      run: () => table().rows.length,
    },
    {
      ...row,
      name: 'list',
      arity: -2,
      tips: ANY_ORDER,
      since: '7.0.0',
      complexity: ALL,
      summary: 'Get an array of Redis command names',
      help: ['LIST', '    Return a list of all commands in this Redis server.'],
      run: (call) => list(call, table()),
    },
    {
      ...row,
      name: 'info',
      arity: -2,
      tips: ANY_ORDER,
      since: '2.8.13',
      complexity: SOME,
      summary: 'Get array of specific Redis command details, or all when no argument is given.',
      history: [['7.0.0', 'Allowed to be called with no argument to get info on all commands.']],
      help: [
        'INFO [<command-name> ...]',
        '    Return details about multiple Redis commands.',
        '    If no command names are given, documentation details for all',
        '    commands are returned.',
      ],
      run: ({ args }) => asked(args, table()).map((found) => (found === undefined ? null : infoOf(found))),
    },
    {
      ...row,
      name: 'docs',
      arity: -2,
      tips: ANY_ORDER,
      since: '7.0.0',
      complexity: SOME,
      summary: 'Get array of specific Redis command documentation',
      help: [
        'DOCS [<command-name> ...]',
        '    Return documentation details about multiple Redis commands.',
        '    If no command names are given, documentation details for all',
        '    commands are returned.',
      ],
      run: ({ args }) => docsOf(asked(args, table()).filter((found) => found !== undefined)),
    },
    {
      ...row,
      name: 'getkeys',
      arity: -4,
      since: '2.8.13',
      complexity: OF_ARGUMENTS,
      summary: 'Extract keys given a full Redis command',
      help: ['GETKEYS <full-command>', '    Return the keys from a full Redis command.'],
      run: (call) => getKeys(call, table(), ({ key }) => key),
    },
    {
      ...row,
      name: 'getkeysandflags',
      arity: -4,
      since: '7.0.0',
      complexity: OF_ARGUMENTS,
      summary: 'Extract keys and access flags given a full Redis command',
      help: [
        'GETKEYSANDFLAGS <full-command>',
        '    Return the keys and the access flags from a full Redis command.',
      ],
      run: (call) => getKeys(call, table(), ({ key, flags }) => [key, statuses(flags)]),
    },
  ];
  return [
    {
      ...row,
      name: 'command',
      arity: -1,
      tips: ANY_ORDER,
      since: '2.8.13',
      complexity: ALL,
      summary: 'Get array of Redis command details',
      subcommands: withHelp(
        {
          container: 'command',
          since: '5.0.0',
          group: row.group,
          categories: row.categories,
          ownLines: ['(no subcommand)', '    Return details about all Redis commands.'],
        },
        subcommands,
      ),
      run: () => table().rows.map(infoOf),
    },
  ];
}

/** The commands that are named from `args[2]` on; all commands when none is named. */
function asked(args: readonly Buffer[], table: CommandTable): readonly (FoundCommand | undefined)[] {
  return args.length === 2 ? table.rows : args.slice(2).map((name) => table.named(name));
}

function infoOf(found: FoundCommand): Reply {
  const { arity, flags, keys, categories, tips = [], keySpecs = [], subcommands } = found.command;
  return [
    found.fullName,
    arity,
    statuses(flags),
    ...keys,
    statuses(categories.map((category) => `@${category}`)),
    new SetReply(tips),
    new SetReply(keySpecs.map(keySpecReply)),
    subcommands === undefined ? new SetReply([]) : subcommandsOf(found).map(infoOf),
  ];
}

function keySpecReply(keySpec: KeySpec): Reply {
  const { notes, flags } = keySpec;
  return new MapReply([
    ...(notes === undefined ? [] : [['notes', notes] as const]),
    ['flags', statuses(flags)],
    ['begin_search', beginSearchReply(keySpec)],
    ['find_keys', findKeysReply(keySpec)],
  ]);
}

function beginSearchReply(keySpec: KeySpec): Reply {
  if ('isUnknown' in keySpec) return spec('unknown', []);
  if ('index' in keySpec) return spec('index', [['index', keySpec.index]]);
  return spec('keyword', [
    ['keyword', keySpec.keyword],
    ['startfrom', keySpec.startFrom],
  ]);
}

function findKeysReply(keySpec: KeySpec): Reply {
  if ('isUnknown' in keySpec) return spec('unknown', []);
  if ('keyNumber' in keySpec) {
    const [index, first, step] = keySpec.keyNumber;
    return spec('keynum', [
      ['keynumidx', index],
      ['firstkey', first],
      ['keystep', step],
    ]);
  }
  const [lastKey, step, limit] = keySpec.range;
  return spec('range', [
    ['lastkey', lastKey],
    ['keystep', step],
    ['limit', limit],
  ]);
}

function spec(type: string, fields: readonly (readonly [string, Reply])[]): Reply {
  return new MapReply([
    ['type', type],
    ['spec', new MapReply(fields)],
  ]);
}

function docsOf(found: readonly FoundCommand[]): Reply {
  return new MapReply(found.map((one) => [one.fullName, docOf(one)]));
}

function docOf(found: FoundCommand): Reply {
  const { summary, since, group, complexity, deprecated, history, subcommands } = found.command;
  const fields: (readonly [string, Reply])[] = [
    ['summary', summary],
    ['since', since],
    ['group', group],
  ];
  if (complexity !== undefined) fields.push(['complexity', complexity]);
  if (deprecated !== undefined) {
    fields.push(
      ['doc_flags', statuses(['deprecated'])],
      ['deprecated_since', deprecated.since],
      ['replaced_by', deprecated.replacedBy],
    );
  }
  if (history !== undefined) fields.push(['history', new SetReply(history)]);
  if (subcommands !== undefined) fields.push(['subcommands', docsOf(subcommandsOf(found))]);
  return new MapReply(fields);
}

function list({ args, host }: Call, table: CommandTable): Reply {
  const all = table.rows.flatMap((found) => [found, ...subcommandsOf(found)]);
  if (args.length === 2) return all.map(({ fullName }) => fullName);
  if (args.length !== 5 || wordOf(args, 2) !== 'filterby') return SYNTAX_ERROR;
  const sought = wordOf(args, 4);
  const filter = wordOf(args, 3);
  // There are no modules, so no command belongs to one.
  if (filter === 'module') return [];
  if (filter === 'aclcat') {
    return all.filter(({ command }) => command.categories.includes(sought)).map(({ fullName }) => fullName);
  }
  if (filter !== 'pattern') return SYNTAX_ERROR;
  const pattern = args[4]!;
  return all
    .filter(({ fullName }) => host.engine().keyspace.matches(pattern, Buffer.from(fullName), true))
    .map(({ fullName }) => fullName);
}

function getKeys(
  { args }: Call,
  table: CommandTable,
  show: (key: { key: Buffer; flags: readonly string[] }) => Reply,
): Reply {
  const asked = args.slice(2);
  const command = table.find(asked)?.command;
  if (command === undefined) return new Failure('ERR Invalid command specified');
  if (!hasKeys(command)) return new Failure('ERR The command has no key arguments');
  if (!fitsArity(command, asked.length)) {
    return new Failure('ERR Invalid number of arguments specified for command');
  }
  const keys = keysOf(command, asked);
  return keys === undefined ? new Failure('ERR Invalid arguments specified for command') : keys.map(show);
}

function statuses(words: readonly string[]): Reply {
  return new SetReply(words.map((word) => new Status(word)));
}
