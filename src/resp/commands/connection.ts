/** PING, ECHO, SELECT, AUTH, HELLO, QUIT, RESET. */

import { parseInt64, shownText, wordOf } from '../arguments.js';
import { isConfined } from '../client-state.js';
import { type Call, type Command, NO_KEYS, SYNTAX_ERROR, wrongArity } from '../command.js';
import type { CommandHost } from '../command-host.js';
import { databaseFault } from '../database.js';
import { Later } from '../later.js';
import { REDIS_VERSION } from '../redis-version.js';
import { Failure, MapReply, OK, type Reply, Status } from '../reply.js';
import { setClientName } from './client-name.js';
import { releaseWatched } from './transactions.js';

/** The only user. */
const DEFAULT_USER = 'default';

const NO_PASSWORD_SET = new Failure(
  'ERR AUTH <password> called without any password configured for the default user. Are you sure your ' +
    'configuration is correct?',
);
const WRONG_PASSWORD = new Failure('WRONGPASS invalid username-password pair or user is disabled.');
const TOO_MANY_GUESSES = new Failure('ERR too many wrong passwords came from this address; try again later');
const NOT_AUTHENTICATED = new Failure(
  'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> ' +
    'option can be used to authenticate the client and select the RESP protocol version at the same time',
);

const row = {
  keys: NO_KEYS,
  categories: ['fast', 'connection'],
  group: 'connection',
  complexity: 'O(1)',
} as const;
const ALWAYS = ['loading', 'stale', 'fast'] as const;
const BEFORE_AUTH = ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'] as const;

/** The commands about a connection itself. */
export const connectionCommands: readonly Command[] = [
  {
    ...row,
    name: 'ping',
    arity: -1,
    flags: ['fast'],
    tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
    since: '1.0.0',
    summary: 'Ping the server',
    run: ping,
  },
  {
    ...row,
    name: 'echo',
    arity: 2,
    flags: ALWAYS,
    since: '1.0.0',
    summary: 'Echo the given string',
    run: ({ args }) => args[1]!,
  },
  {
    ...row,
    name: 'select',
    arity: 2,
    flags: ALWAYS,
    since: '1.0.0',
    summary: 'Change the selected database for the current connection',
    run: select,
  },
  {
    ...row,
    name: 'auth',
    arity: -2,
    flags: BEFORE_AUTH,
    since: '1.0.0',
    complexity: 'O(N) where N is the number of passwords defined for the user',
    summary: 'Authenticate to the server',
    history: [['6.0.0', 'Added ACL style (username and password).']],
    run: auth,
  },
  {
    ...row,
    name: 'hello',
    arity: -1,
    flags: BEFORE_AUTH,
    since: '6.0.0',
    summary: 'Handshake with Redis',
    history: [
      [
        '6.2.0',
        "`protover` made optional; when called without arguments the command reports the current connection's context.",
      ],
    ],
    run: hello,
  },
  {
    ...row,
    name: 'quit',
    arity: -1,
    flags: BEFORE_AUTH,
    since: '1.0.0',
    summary: 'Close the connection',
    run: ({ client }) => {
      client.leaves = true;
      return OK;
    },
  },
  {
    ...row,
    name: 'reset',
    arity: 1,
    flags: BEFORE_AUTH,
    since: '6.2.0',
    summary: 'Reset the connection',
    run: reset,
  },
];

/** Answers as a message does where another reply would look like one. */
function ping({ args, client }: Call): Reply {
  if (args.length > 2) return wrongArity('ping');
  if (isConfined(client)) return ['pong', args[1] ?? ''];
  return args[1] ?? new Status('PONG');
}

function select({ args }: Call): Reply {
  return databaseFault(args[1]!) ?? OK;
}

function auth(call: Call): Reply | Later {
  const { args, host } = call;
  if (args.length > 3) return SYNTAX_ERROR;
  if (args.length === 2 && !host.settings.hasPassword) return NO_PASSWORD_SET;
  const user = args.length === 2 ? DEFAULT_USER : args[1]!.toString('latin1');
  return inTurn(call, () => (authenticate(user, args.at(-1)!, call) ? OK : WRONG_PASSWORD));
}

/** Answers what compares a password: at once, or in its turn where the address has often guessed wrong. */
function inTurn({ client, host }: Call, compare: () => Reply): Reply | Later {
  const { guesses, settings, timers } = host;
  // Where there is no password, nothing is guessed.
  const waitMs = settings.hasPassword ? guesses.waitMs(client.address) : 0;
  if (waitMs === 0) return compare();
  if (waitMs === undefined || client.isInExec) return TOO_MANY_GUESSES;
  return new Later((done) => {
    const timer = timers.after(waitMs, () => done(compare()));
    return () => timer.cancel();
  });
}

function authenticate(user: string, password: Buffer, { client, host }: Call): boolean {
  // The password is compared in any case, so that the time reveals nothing about the user.
  const matches = host.settings.passwordMatches(password);
  if (matches && user === DEFAULT_USER) {
    client.isAuthenticated = true;
    return true;
  }
  if (host.settings.hasPassword) host.guesses.failed(client.address);
  return false;
}

function hello(call: Call): Reply | Later {
  const { args, client } = call;
  const version = args.length > 1 ? parseInt64(args[1]!) : BigInt(client.protocol);
  if (version === undefined) return new Failure('ERR Protocol version is not an integer or out of range');
  if (version !== 2n && version !== 3n) return new Failure('NOPROTO unsupported protocol version');
  const hasPassword = args.some((_, index) => index > 1 && wordOf(args, index) === 'auth');
  const greet = () => greeting(call, version);
  return hasPassword ? inTurn(call, greet) : greet();
}

function greeting(call: Call, version: bigint): Reply {
  const { args, client, host } = call;
  for (let index = 2; index < args.length; index++) {
    const option = wordOf(args, index);
    const following = args.length - index - 1;
    if (option === 'auth' && following >= 2) {
      const user = args[index + 1]!.toString('latin1');
      if (!authenticate(user, args[index + 2]!, call)) return WRONG_PASSWORD;
      index += 2;
    } else if (option === 'setname' && following >= 1) {
      const refusal = setClientName(client, args[index + 1]!);
      if (refusal !== undefined) return refusal;
      index += 1;
    } else return new Failure(`ERR Syntax error in HELLO option '${shownText(args[index]!)}'`);
  }
  if (!client.isAuthenticated) return NOT_AUTHENTICATED;
  client.protocol = version === 3n ? 3 : 2;
  return new MapReply([
    ['server', 'redis'],
    ['version', REDIS_VERSION],
    ['proto', client.protocol],
    ['id', client.id],
    ['mode', 'standalone'],
    ['role', host.replication.isReplica ? 'replica' : 'master'],
    ['modules', []],
    ...zoneOf(host),
  ]);
}

/** Valkey's field, which is there where somebody has said what zone it is. */
function zoneOf({ settings }: CommandHost): [string, Reply][] {
  const { availabilityZone } = settings;
  return availabilityZone.length === 0 ? [] : [['availability_zone', availabilityZone]];
}

/** Puts the client into the state of one that has just connected. */
function reset({ client, host }: Call): Reply {
  if (client.isMonitor) host.clients.removeMonitor(client);
  client.isMonitor = false;
  host.tracking.disable(client);
  host.pubsub.forget(client);
  client.protocol = 2;
  client.isAuthenticated = !host.settings.hasPassword;
  client.transaction = undefined;
  releaseWatched(client);
  client.name = '';
  client.replies = 'on';
  client.isNeverTouching = false;
  client.canRedirect = false;
  return new Status('RESET');
}
