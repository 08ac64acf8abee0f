/** ACL of a server with one user, `default`, who may do everything. */
import { drawHex } from '../../replication/hex.js';
import { parseInt64, shownText, wordOf } from '../arguments.js';
import { type Call, type Command, NO_KEYS, NOT_AN_INTEGER, subcommandSyntaxError } from '../command.js';
import { type CommandTable, subcommandsOf } from '../command-table.js';
import { withHelp } from '../container-help.js';
import { Failure, MapReply, OK, type Reply, SetReply } from '../reply.js';

const USER = 'default';
const GENERATED_BITS = 256n;
const GENERATED_BITS_MAX = 4096n;
const BITS_A_DIGIT = 4n;
/** Redis' categories, in its order. */
const CATEGORIES =
  'keyspace read write set sortedset list hash string bitmap hyperloglog geo stream pubsub admin fast slow blocking dangerous connection transaction scripting'.split(
    ' ',
  );

const ONE_USER = new Failure(
  "ERR There is one user, 'default', who may do everything; users cannot be made or changed. CONFIG SET requirepass " +
    'sets the password.',
);
const NO_ACL_FILE = new Failure(
  'ERR This server is not configured to use an ACL file: it has one user. --password-file FILE sets the password ' +
    'at the start.',
);
const BAD_BITS = new Failure(
  'ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096',
);

const shared = { keys: NO_KEYS, since: '6.0.0', group: 'server' } as const;
const own = { ...shared, flags: ['noscript', 'loading', 'stale'], categories: ['slow'] } as const;
const admin = {
  ...shared,
  flags: ['admin', 'noscript', 'loading', 'stale'],
  categories: ['admin', 'slow', 'dangerous'],
} as const;
const OF_USERS = 'O(N). Where N is the number of configured users.';

function subcommands(table: () => CommandTable): readonly Command[] {
  return [
    {
      ...own,
      name: 'cat',
      arity: -2,
      complexity: 'O(1) since the categories and commands are a fixed set.',
      summary: 'List the ACL categories or the commands inside a category',
      help: [
        'CAT [<category>]',
        '    List all commands that belong to <category>, or all command categories',
        '    when no category is specified.',
      ],
      run: (call) => listCategory(call, table()),
    },
    {
      ...admin,
      name: 'deluser',
      arity: -3,
      complexity: 'O(1) amortized time considering the typical user.',
      summary: 'Remove the specified ACL users and the associated rules',
      help: ['DELUSER <username> [<username> ...]', '    Delete a list of users.'],
      run: ({ args }) =>
        args.slice(2).some(isDefault) ? new Failure("ERR The 'default' user cannot be removed") : 0,
    },
    {
      ...admin,
      name: 'dryrun',
      arity: -4,
      since: '7.0.0',
      complexity: 'O(1).',
      summary: 'Returns whether the user can execute the given command without executing the command.',
      help: [
        'DRYRUN <username> <command> [<arg> ...]',
        '    Returns whether the user can execute the given command without executing the command.',
      ],
      run: (call) => dryRun(call, table()),
    },
    {
      ...admin,
      name: 'getuser',
      arity: 3,
      complexity: 'O(N). Where N is the number of password, command and pattern rules that the user has.',
      summary: 'Get the rules for a specific ACL user',
      history: [
        ['6.2.0', 'Added Pub/Sub channel patterns.'],
        [
          '7.0.0',
          'Added selectors and changed the format of key and channel patterns from a list to their rule representation.',
        ],
      ],
      help: ['GETUSER <username>', "    Get the user's details."],
      run: getUser,
    },
    {
      ...own,
      name: 'genpass',
      arity: -2,
      complexity: 'O(1)',
      summary: 'Generate a pseudorandom secure password to use for ACL users',
      help: [
        'GENPASS [<bits>]',
        '    Generate a secure 256-bit user password. The optional `bits` argument can',
        '    be used to specify a different size.',
      ],
      run: generatePassword,
    },
    {
      ...admin,
      name: 'list',
      arity: 2,
      complexity: OF_USERS,
      summary: 'List the current ACL rules in ACL config file format',
      help: ['LIST', '    Show users details in config file format.'],
      run: ({ host }) => {
        const digest = host.settings.passwordDigest;
        return [`user ${USER} on ${digest === undefined ? 'nopass' : `#${digest}`} ~* &* +@all`];
      },
    },
    {
      ...admin,
      name: 'load',
      arity: 2,
      complexity: OF_USERS,
      summary: 'Reload the ACLs from the configured ACL file',
      help: ['LOAD', '    Reload users from the ACL file.'],
      run: () => NO_ACL_FILE,
    },
    {
      ...admin,
      name: 'log',
      arity: -2,
      complexity: 'O(N) with N being the number of entries shown.',
      summary: 'List latest events denied because of ACLs in place',
      help: ['LOG [<count> | RESET]', '    Show the ACL log entries.'],
      run: log,
    },
    {
      ...admin,
      name: 'save',
      arity: 2,
      complexity: OF_USERS,
      summary: 'Save the current ACL rules in the configured ACL file',
      help: ['SAVE', '    Save the current config to the ACL file.'],
      run: () => NO_ACL_FILE,
    },
    {
      ...admin,
      name: 'setuser',
      arity: -3,
      complexity: 'O(N). Where N is the number of rules provided.',
      summary: 'Modify or create the rules for a specific ACL user',
      history: [
        ['6.2.0', 'Added Pub/Sub channel patterns.'],
        ['7.0.0', 'Added selectors and key based permissions.'],
      ],
      help: [
        'SETUSER <username> <attribute> [<attribute> ...]',
        '    Create or modify a user with the specified attributes.',
      ],
      // Without attributes nothing changes, for the user that there is.
      run: ({ args }) => (args.length === 3 && isDefault(args[2]!) ? OK : ONE_USER),
    },
    {
      ...admin,
      name: 'users',
      arity: 2,
      complexity: OF_USERS,
      summary: 'List the username of all the configured ACL rules',
      help: ['USERS', '    List all the registered usernames.'],
      run: () => [USER],
    },
    {
      ...own,
      name: 'whoami',
      arity: 2,
      complexity: 'O(1)',
      summary: 'Return the name of the user associated to the current connection',
      help: ['WHOAMI', '    Return the current connection username.'],
      run: () => USER,
    },
  ];
}

/** ACL and its subcommands; `table` has the commands that it lists. */
export function aclCommands(table: () => CommandTable): readonly Command[] {
  return [
    {
      name: 'acl',
      arity: -2,
      flags: [],
      keys: NO_KEYS,
      categories: ['slow'],
      since: '6.0.0',
      group: 'server',
      complexity: 'Depends on subcommand.',
      summary: 'A container for Access List Control commands ',
      subcommands: withHelp(
        { container: 'acl', since: '6.0.0', group: 'server', categories: ['slow'] },
        subcommands(table),
      ),
    },
  ];
}

function isDefault(name: Buffer): boolean {
  return name.toString('latin1') === USER;
}

function listCategory({ args }: Call, table: CommandTable): Reply {
  if (args.length > 3) return subcommandSyntaxError(args);
  if (args.length === 2) return CATEGORIES;
  const category = wordOf(args, 2);
  if (!CATEGORIES.includes(category)) return new Failure(`ERR Unknown category '${shownText(args[2]!)}'`);
  return table.rows
    .flatMap((row) => [row, ...subcommandsOf(row)])
    .filter(({ command }) => command.categories.includes(category))
    .map(({ fullName }) => fullName);
}

function dryRun({ args }: Call, table: CommandTable): Reply {
  if (!isDefault(args[2]!)) return new Failure(`ERR User '${shownText(args[2]!)}' not found`);
  const words = args.slice(3);
  if (table.find(words) === undefined) return new Failure(`ERR Command '${shownText(words[0]!)}' not found`);
  const found = table.resolve(words);
  return found instanceof Failure ? found : OK;
}

function getUser({ args, host }: Call): Reply {
  if (!isDefault(args[2]!)) return null;
  const digest = host.settings.passwordDigest;
  return new MapReply([
    ['flags', new SetReply(digest === undefined ? ['on', 'nopass'] : ['on'])],
    ['passwords', digest === undefined ? [] : [digest]],
    ['commands', '+@all'],
    ['keys', '~*'],
    ['channels', '&*'],
    ['selectors', []],
  ]);
}

function generatePassword({ args, host }: Call): Reply {
  if (args.length > 3) return subcommandSyntaxError(args);
  const bits = args.length === 3 ? parseInt64(args[2]!) : GENERATED_BITS;
  if (bits === undefined) return NOT_AN_INTEGER;
  if (bits <= 0n || bits > GENERATED_BITS_MAX) return BAD_BITS;
  return drawHex(host.random, Number((bits + BITS_A_DIGIT - 1n) / BITS_A_DIGIT));
}

/** Nothing is ever denied to the user who may do everything. */
function log({ args }: Call): Reply {
  if (args.length > 3) return subcommandSyntaxError(args);
  if (wordOf(args, 2) === 'reset') return OK;
  return args.length === 3 && parseInt64(args[2]!) === undefined ? NOT_AN_INTEGER : [];
}
