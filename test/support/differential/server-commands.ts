/**
 * Random commands on connection, transaction and server that leave both servers as they are. Commands that
 * disturb the run (CLIENT KILL, MONITOR, SHUTDOWN, …) are in scripts of their own.
 */
import type { Argument, ArgumentSource, Arguments } from './arguments.js';
import type { Maker } from './string-commands.js';

/** The commands that are promised (issue "A Redis front …"): their rows are compared. */
export const PROMISED_COMMANDS = (
  'set get getset getdel getex setnx setex psetex mget mset msetnx append strlen getrange substr setrange incr incrby ' +
  'incrbyfloat decr decrby setbit getbit bitcount bitpos bitfield bitfield_ro bitop lcs del unlink exists touch type rename renamenx copy dump restore move swapdb sort sort_ro randomkey keys ' +
  'scan dbsize flushall flushdb expire pexpire expireat pexpireat ttl pttl expiretime pexpiretime persist object multi ' +
  'exec discard watch unwatch ping echo select auth hello quit reset command client config info role failover replicaof slaveof ' +
  'wait memory slowlog latency time shutdown debug monitor acl lastsave save bgsave ' +
  'publish spublish pubsub subscribe ssubscribe psubscribe unsubscribe sunsubscribe punsubscribe'
).split(' ');

const INFO_SECTIONS = ['server', 'clients', 'memory', 'stats', 'replication', 'keyspace', 'commandstats'];

function nameOf(s: ArgumentSource): string {
  return s.cased(s.random.chance(0.9) ? s.random.pick(PROMISED_COMMANDS) : 'nosuch');
}

function clientName(s: ArgumentSource): Argument {
  return s.random.pick(['tester', 'app-1', '', 'two words', 'line\nbreak', 'grüße', '\x7f', '~!']);
}

function hello(s: ArgumentSource): Arguments {
  const version = s.random.pick(['2', '3', '2', '3', '1', '4', 'abc', '', '3.0', '9223372036854775808']);
  return [
    'HELLO',
    ...(s.random.chance(0.9) ? [version] : []),
    ...s.someOf(
      [
        () => ['SETNAME', clientName(s)],
        () => ['AUTH', 'default', 'anything'],
        () => ['AUTH', 'nobody', 'x'],
      ],
      0.25,
    ),
  ];
}

function info(s: ArgumentSource): Arguments {
  const sections = s.random.chance(0.8) ? s.several(() => [s.oneOf(...INFO_SECTIONS, 'nosuch', '')], 2) : [];
  return ['INFO', ...sections];
}

function client(s: ArgumentSource): Arguments {
  const { random } = s;
  return random.pick<() => Arguments>([
    () => ['CLIENT', s.cased('ID')],
    () => ['CLIENT', s.cased('INFO')],
    () => ['CLIENT', s.cased('LIST')],
    () => ['CLIENT', 'LIST', 'ID', random.pick(['99999999', '0', 'x']), ...random.pick([[], ['99999998']])],
    () => ['CLIENT', 'LIST', 'TYPE', s.oneOf('normal', 'master', 'replica', 'pubsub', 'foo')],
    () => ['CLIENT', s.cased('GETNAME')],
    () => ['CLIENT', s.cased('SETNAME'), clientName(s)],
    () => ['CLIENT', s.cased('NO-EVICT'), s.oneOf('ON', 'OFF', 'foo', '')],
    () => ['CLIENT', s.cased('UNPAUSE')],
    () => ['CLIENT', s.cased('PAUSE'), random.pick(['-1', 'abc', '', '0']), ...random.pick([[], ['foo']])],
    () => ['CLIENT', s.cased('REPLY'), random.pick(['foo', '', 'on'])],
    () => ['CLIENT', s.cased('KILL'), random.pick(['1.2.3.4:5', 'foo', ''])],
    () => ['CLIENT', 'KILL', s.oneOf('ID'), random.pick(['99999999', '0', '-1', 'abc'])],
    () => ['CLIENT', 'KILL', s.oneOf('ADDR', 'LADDR'), random.pick(['1.2.3.4:5', 'foo'])],
    () => ['CLIENT', 'KILL', s.oneOf('TYPE', 'USER', 'SKIPME', 'FOO'), random.pick(['foo', 'nobody', ''])],
    () => ['CLIENT', 'KILL', 'ADDR', '1.2.3.4:5', 'SKIPME', s.oneOf('yes', 'no', 'foo')],
    () => ['CLIENT', s.cased('UNBLOCK'), random.pick(['99999999', '0', 'x'])],
    () => ['CLIENT', 'UNBLOCK', '99999999', s.oneOf('TIMEOUT', 'ERROR', 'FOO')],
    () => ['CLIENT', s.cased('FOO')],
    () => ['CLIENT', 'SETNAME'],
    () => ['CLIENT', 'ID', 'x'],
  ])();
}

function config(s: ArgumentSource): Arguments {
  return s.random.pick<() => Arguments>([
    () => [
      'CONFIG',
      s.cased('GET'),
      s.random.pick(['nosuch', 'maxmemory', 'MAXMEMORY', 'maxmemory-policy', '']),
    ],
    () => ['CONFIG', 'GET', 'maxmemory', 'nosuch', 'maxmemory-policy'],
    () => ['CONFIG', s.cased('SET'), s.random.pick(['nosuch', '']), '1'],
    () => ['CONFIG', 'SET', 'nosuch', '1', 'maxmemory'],
    () => ['CONFIG', 'SET', 'maxmemory', s.random.pick(['abc', '-1', '', '1zb'])],
    () => ['CONFIG', 'SET', 'maxmemory-policy', s.random.pick(['foo', ''])],
    () => ['CONFIG', 'SET', 'maxmemory', '0', 'maxmemory', '0'],
    () => ['CONFIG', s.cased('RESETSTAT')],
    () => ['CONFIG', 'FOO'],
    () => ['CONFIG', 'GET'],
  ])();
}

function commandCommand(s: ArgumentSource): Arguments {
  const { random } = s;
  return random.pick<() => Arguments>([
    () => ['COMMAND', s.cased('COUNT')],
    () => ['COMMAND', s.cased('INFO'), ...s.several(() => [nameOf(s)])],
    () => ['COMMAND', s.cased('DOCS'), ...s.several(() => [nameOf(s)])],
    () => ['COMMAND', s.cased('LIST')],
    () => [
      'COMMAND',
      'LIST',
      s.cased('FILTERBY'),
      s.oneOf('PATTERN'),
      random.pick(['*get*', 'set', 'x*', '']),
    ],
    () => ['COMMAND', 'LIST', 'FILTERBY', 'ACLCAT', random.pick(['string', 'bitmap', 'keyspace', 'foo'])],
    () => ['COMMAND', 'LIST', 'FILTERBY', random.pick(['MODULE', 'FOO']), 'x'],
    () => ['COMMAND', 'LIST', 'FOO'],
    () => ['COMMAND', s.cased('GETKEYS'), nameOf(s), ...s.keys(4).slice(random.below(2))],
    () => ['COMMAND', 'GETKEYS'],
    () => ['COMMAND', 'FOO'],
  ])();
}

/** Nobody is subscribed: with messages between the replies the servers could not be compared in lock-step. */
function channel(s: ArgumentSource): Arguments {
  const { random } = s;
  return random.pick<() => Arguments>([
    () => [random.pick(['PUBLISH', 'SPUBLISH']), s.key(), s.value()],
    () => [random.pick(['UNSUBSCRIBE', 'SUNSUBSCRIBE', 'PUNSUBSCRIBE']), ...random.pick([[], [s.key()]])],
    () => ['PUBSUB', s.cased('CHANNELS'), ...random.pick([[], [s.key()], ['*', 'x']])],
    () => ['PUBSUB', s.cased('SHARDCHANNELS'), ...random.pick([[], [s.key()], ['*', 'x']])],
    () => ['PUBSUB', s.oneOf('NUMSUB', 'SHARDNUMSUB'), ...s.keys(3)],
    () => ['PUBSUB', s.oneOf('NUMPAT', 'HELP', 'FOO'), ...random.pick([[], [], ['x']])],
    () => [random.pick(['SUBSCRIBE', 'SSUBSCRIBE', 'PSUBSCRIBE'])],
  ])();
}

function observation(s: ArgumentSource): Arguments {
  const { random } = s;
  return random.pick<() => Arguments>([
    () => ['TIME'],
    () => ['ROLE'],
    () => ['WAIT', '0', random.pick(['0', '10', '-1', 'abc', ''])],
    () => ['WAIT', random.pick(['abc', '', '1.5']), '1'],
    () => ['WAIT', '1', '1'],
    // There are no replicas.
    () => [
      'FAILOVER',
      ...s.someOf(
        [
          () => [s.cased('TIMEOUT'), random.pick(['1', '0', '-1', 'abc', ''])],
          () => [s.cased('TO'), 'localhost', random.pick(['1', '-1', 'abc'])],
          () => [s.oneOf('FORCE', 'ABORT', 'FOO')],
        ],
        0.4,
      ),
    ],
    () => ['SLOWLOG', s.oneOf('GET', 'LEN', 'RESET', 'FOO')],
    () => ['SLOWLOG', 'GET', random.pick(['0', '1', '-1', '-2', 'abc', ''])],
    () => ['LATENCY', s.oneOf('LATEST', 'RESET', 'DOCTOR', 'HISTOGRAM', 'FOO')],
    () => ['LATENCY', s.oneOf('HISTORY', 'RESET', 'GRAPH'), random.pick(['command', 'foo', ''])],
    () => ['LATENCY', 'HISTOGRAM', ...s.several(() => [nameOf(s)])],
    () => ['MEMORY', s.oneOf('DOCTOR', 'STATS', 'PURGE', 'MALLOC-STATS', 'FOO')],
    () => ['LASTSAVE', ...random.pick([[], [], ['x']])],
    // They do save there.
    () => [s.oneOf('SAVE', 'BGSAVE'), 'foo'],
    () => ['DEBUG', s.oneOf('SLEEP', 'JMAP', 'OBJECT'), '0'],
    () => ['SHUTDOWN', s.oneOf('FOO', 'ABORT', ''), ...random.pick([[], ['FOO']])],
    () => [
      random.pick(['REPLICAOF', 'SLAVEOF']),
      random.pick(['localhost', '']),
      random.pick(['abc', '-1', '']),
    ],
  ])();
}

// Not SETUSER: with an argument more it makes a user at Redis, whom all later answers would show.
function acl(s: ArgumentSource): Arguments {
  const { random } = s;
  return random.pick<() => Arguments>([
    () => ['ACL', s.oneOf('WHOAMI', 'USERS', 'LIST', 'CAT', 'FOO')],
    () => ['ACL', s.cased('CAT'), random.pick(['string', 'admin', 'fast', 'hash', 'foo', ''])],
    () => ['ACL', s.cased('GETUSER'), random.pick(['default', 'nobody', ''])],
    () => ['ACL', s.cased('DELUSER'), random.pick(['default', 'nobody']), ...random.pick([[], ['x']])],
    () => ['ACL', 'DRYRUN', random.pick(['default', 'nobody']), s.oneOf('GET', 'nosuch'), ...s.keys(2)],
    () => ['ACL', s.cased('GENPASS'), random.pick(['0', '-1', '4097', 'abc', ''])],
    () => ['ACL', s.cased('LOG'), ...random.pick([[], ['RESET'], ['0'], ['abc'], ['1', '2']])],
  ])();
}

export const serverCommands: readonly (readonly [weight: number, make: Maker])[] = [
  [3, (s) => [['PING', ...s.random.pick([[], [s.value()]])]]],
  [2, (s) => [['ECHO', s.value()]]],
  [2, (s) => [['SELECT', s.random.pick(['0', '0', '1', '-1', 'abc', '', '9223372036854775808', '00'])]]],
  [1, (s) => [['AUTH', ...s.random.pick([['x'], ['default', 'x'], ['nobody', 'x'], ['a', 'b', 'c']])]]],
  [1, (s) => [hello(s)]],
  [0.3, () => [['RESET']]],
  [3, (s) => [[s.oneOf('NOSUCH', 'GETT', 'FOO BAR', '', 'get\0', '\r\n'), ...s.keys(3)]]],
  [6, (s) => [client(s)]],
  [2, (s) => [config(s)]],
  [2, (s) => [commandCommand(s)]],
  [1, (s) => [info(s)]],
  [3, (s) => [channel(s)]],
  [4, (s) => [observation(s)]],
  [1, (s) => [acl(s)]],
  [0.3, (s) => [[s.oneOf('FLUSHALL', 'FLUSHDB'), ...s.someOf([() => ['ASYNC'], () => ['SYNC']], 0.3)]]],
  [2, (s) => [[s.random.pick(['MULTI', 'EXEC', 'DISCARD', 'UNWATCH'])]]],
  [2, (s) => [['WATCH', ...s.keys(3)]]],
];
