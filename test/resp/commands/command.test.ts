/** COMMAND: the table's rows of our commands equal redis-server's rows of the same names. */
import { beforeAll, describe, expect, it } from 'vitest';
import { commandTable } from '../../../src/resp/commands/index.js';
import { redacted } from '../../../src/resp/redaction.js';
import { describeWith } from '../../support/optional-peers.js';
import { redisServer } from '../../support/redis.js';
import { RedisOracle, ServerHost, wordsOf } from '../../support/server-host.js';

/** Of Redis after 7.0, of Valkey, and of Dragonfly. */
const LATER = new Set([
  'client|setinfo',
  'client|no-touch',
  'client|capa',
  'delex',
  'delifeq',
  'digest',
  'increx',
  'msetex',
  'repltakeover',
  'waitaof',
]);

const names = commandTable.rows.flatMap(({ fullName, command: { subcommands = [] } }) => [
  ...(subcommands.length === 0 ? [fullName] : []),
  ...subcommands.map(({ name }) => `${fullName}|${name}`),
]);
const containers = commandTable.rows
  .filter(({ command }) => command.subcommands)
  .map(({ fullName }) => fullName);

describeWith(redisServer, 'COMMAND answers as redis-server', () => {
  let redis: RedisOracle;
  beforeAll(async () => {
    redis = await RedisOracle.start();
  });

  it.each(names.filter((name) => !LATER.has(name)))('INFO of %s', async (name) => {
    await redis.expectAlike([`COMMAND INFO ${name}`]);
    await redis.expectAlike([`COMMAND INFO ${name}`], new ServerHost(), 3);
  });

  it.each(names.filter((name) => !LATER.has(name) && name !== 'debug'))(
    'DOCS of %s, but for arguments',
    async (name) => {
      const line = `COMMAND DOCS ${name}`;
      const [theirs] = await redis.answers([line]);
      const host = new ServerHost();
      expect(host.answer(line, host.newClient())).toBe(withoutArguments(theirs!));
    },
  );

  it.each(containers)('INFO of the container %s, but for its subcommands', async (name) => {
    const line = `COMMAND INFO ${name}`;
    const [theirs] = await redis.answers([line]);
    const host = new ServerHost();
    const head = (answer: string) =>
      answer.slice(0, answer.indexOf(`${name}|`)).replace(/\*\d+\r\n\*10\r\n\$\d+\r\n$/, '');
    expect(head(host.answer(line, host.newClient()))).toBe(head(theirs!));
  });

  it.each([
    ['COMMAND INFO nosuch', 'COMMAND INFO GET|x', 'COMMAND INFO PING Client|Id nosuch', 'COMMAND COUNT x'],
    ['COMMAND DOCS nosuch', 'COMMAND NOSUCH', 'COMMAND HELP', 'COMMAND HELP x', 'COMMAND GETKEYS'],
    [
      'COMMAND GETKEYS ping x',
      'COMMAND GETKEYS nosuch x',
      'COMMAND GETKEYS client x',
      'COMMAND GETKEYS PING',
    ],
    ['COMMAND GETKEYS get k', 'COMMAND GETKEYS GET', 'COMMAND GETKEYS GET a b', 'COMMAND GETKEYS DEL a b c'],
    ['COMMAND GETKEYS MSET a 1 b 2', 'COMMAND GETKEYS MSET a 1 b', 'COMMAND GETKEYS COPY a b REPLACE'],
    [
      'COMMAND GETKEYS OBJECT ENCODING k',
      'COMMAND GETKEYS MEMORY USAGE k SAMPLES 5',
      'COMMAND GETKEYS LCS a b LEN',
    ],
    [
      'COMMAND GETKEYS OBJECT NOSUCH k',
      'COMMAND GETKEYS RENAME a b',
      'COMMAND GETKEYS WATCH a b',
      'COMMAND GETKEYS KEYS *',
    ],
    [
      'COMMAND GETKEYSANDFLAGS GET k',
      'COMMAND GETKEYSANDFLAGS COPY a b',
      'COMMAND GETKEYSANDFLAGS MSET a 1 b 2',
    ],
    [
      'COMMAND GETKEYSANDFLAGS RENAME a b',
      'COMMAND GETKEYSANDFLAGS UNLINK a b',
      'COMMAND GETKEYSANDFLAGS GETEX k',
    ],
    [
      'COMMAND GETKEYSANDFLAGS SET k v',
      'COMMAND GETKEYSANDFLAGS SET k v GET',
      'COMMAND GETKEYSANDFLAGS set k v ex 5 get',
    ],
    [
      'COMMAND GETKEYSANDFLAGS BITFIELD k GET u8 0 OVERFLOW SAT GET u8 1',
      'COMMAND GETKEYSANDFLAGS BITFIELD k GET u8 0 SET u8 0 1',
      'COMMAND GETKEYSANDFLAGS BITFIELD k',
      'COMMAND GETKEYS BITOP AND t a b',
      'COMMAND GETKEYSANDFLAGS BITOP NOT t a',
    ],
    [
      'COMMAND GETKEYS SORT k BY x GET store STORE t LIMIT 0 1 ALPHA',
      'COMMAND GETKEYSANDFLAGS SORT k STORE t STORE u',
      'COMMAND GETKEYS SORT k',
      'COMMAND GETKEYS SORT_RO k BY x GET y',
      'COMMAND GETKEYS SWAPDB 0 1',
      'COMMAND GETKEYS MOVE k 1',
    ],
    [
      'COMMAND GETKEYSANDFLAGS MIGRATE h 1 k 0 5',
      'COMMAND GETKEYS MIGRATE h 1 "" 0 5 KEYS a b',
      'COMMAND GETKEYS MIGRATE h 1 x 0 5 KEYS a b',
      'COMMAND GETKEYSANDFLAGS MIGRATE h 1 "" 0 5 AUTH keys COPY AUTH2 a b KEYS a b',
    ],
    ['COMMAND LIST x', 'COMMAND LIST FILTERBY', 'COMMAND LIST FILTERBY MODULE', 'COMMAND LIST FILTERBY x y'],
    [
      'COMMAND LIST FILTERBY MODULE x',
      'COMMAND LIST FILTERBY ACLCAT nosuch',
      'COMMAND LIST FILTERBY ACLCAT "" x',
    ],
    [
      'COMMAND LIST filterby pattern nosuch*',
      'COMMAND LIST FILTERBY PATTERN QUIT',
      'COMMAND LIST FILTERBY PATTERN ech[a-z]',
    ],
  ])('%s, …', async (...lines) => {
    await redis.expectAlike(lines);
    await redis.expectAlike(lines, new ServerHost(), 3);
  });
});

describe('COMMAND', () => {
  const host = new ServerHost();
  const client = host.newClient();

  it.each([
    ['SET k v', ['OW', 'update']],
    ['SET k v IFEQ w', ['RW', 'access', 'update']],
    ['DELEX k', ['RM', 'delete']],
    ['DELEX k IFNE v', ['RW', 'access', 'delete']],
  ])('GETKEYSANDFLAGS %s', (line, flags) => {
    const words = flags.map((flag) => `+${flag}\r\n`).join('');
    expect(host.answer(`COMMAND GETKEYSANDFLAGS ${line}`, client)).toBe(
      `*1\r\n*2\r\n$1\r\nk\r\n*${flags.length}\r\n${words}`,
    );
  });

  it('GETKEYS of MSETEX are as many as it says', () => {
    const answer = host.answer('COMMAND GETKEYS MSETEX 2 a 1 b 2 EX 5', client);
    expect(answer).toBe('*2\r\n$1\r\na\r\n$1\r\nb\r\n');
    expect(host.answer('COMMAND GETKEYS MSETEX 9 a 1 b 2', client)).toMatch(/^-ERR Invalid arguments/);
  });

  it('counts, and shows all when none is named', () => {
    const count = commandTable.rows.length;
    expect(host.answer('COMMAND COUNT', client)).toBe(`:${count}\r\n`);
    for (const line of ['COMMAND', 'COMMAND INFO'])
      expect(host.answer(line, client)).toMatch(new RegExp(`^\\*${count}\r\n`));
    expect(host.answer('COMMAND DOCS', client)).toMatch(new RegExp(`^\\*${2 * count}\r\n`));
  });

  it('LIST names subcommands as well', () => {
    const list = host.answer('COMMAND LIST', client);
    for (const name of names) expect(list).toContain(`\r\n${name}\r\n`);
  });

  it('DOCS of a container holds those of its subcommands', () => {
    const docs = host.answer('COMMAND DOCS slowlog', client);
    for (const name of ['slowlog', 'slowlog|get', 'slowlog|len', 'slowlog|reset', 'slowlog|help']) {
      expect(docs).toContain(`\r\n${name}\r\n`);
    }
  });
});

describe('what monitors and the slow log see', () => {
  it.each([
    ['AUTH secret', 'AUTH (redacted)'],
    ['AUTH user secret', 'AUTH (redacted) (redacted)'],
    ['HELLO 3 AUTH user secret SETNAME me', 'HELLO 3 AUTH (redacted) (redacted) SETNAME me'],
    ['CONFIG SET timeout 1 RequirePass secret', 'CONFIG SET timeout 1 RequirePass (redacted)'],
    ['CONFIG SET timeout requirepass', 'CONFIG SET timeout requirepass'],
    ['ECHO secret', 'ECHO secret'],
    ['MIGRATE h 1 k 0 5 AUTH secret COPY', 'MIGRATE h 1 k 0 5 AUTH (redacted) COPY'],
    ['MIGRATE h 1 k 0 5 auth2 user secret KEYS a', 'MIGRATE h 1 k 0 5 auth2 (redacted) (redacted) KEYS a'],
  ])('of %s', (line, shown) => {
    const args = wordsOf(line);
    const { fullName } = commandTable.find(args)!;
    expect(redacted(fullName, args).join(' ')).toBe(shown);
  });
});

/** Arguments are the last field of a command without subcommands. */
function withoutArguments(docs: string): string {
  const at = docs.indexOf('$9\r\narguments\r\n');
  if (at === -1) return docs;
  return docs
    .slice(0, at)
    .replace(/^(\*2\r\n.*\r\n.*\r\n)\*(\d+)/, (_, name, count) => `${name}*${count - 2}`);
}
