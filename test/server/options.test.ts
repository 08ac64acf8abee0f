/**
 * Each option of a server, wherever it is given: to the library, as a flag, in the environment and by CONFIG
 * SET. The options that are found in one place by trying are compared with the others. Those that users rely
 * on are written down here once more.
 */
import { readFileSync } from 'node:fs';
import { Parser } from '@oclif/core';
import { afterEach, describe, expect, it } from 'vitest';
import PrimaryStart from '../../commands/primary/start.js';
import ReplicaFollow from '../../commands/replica/follow.js';
import Serve from '../../commands/serve.js';
import { optionsFrom } from '../../src/cli/server/flags.js';
import { Primary, Replica } from '../../src/index.js';
import { type NodeConfig, primaryConfig, replicaConfig, serverConfig } from '../../src/server/config.js';
import type { AnyOption, Role } from '../../src/server/option.js';
import type { OptionName } from '../../src/server/option-types.js';
import { optionRows, serverOptions } from '../../src/server/options.js';
import { startPrimary } from '../support/library.js';
import { RespClient } from '../support/resp-client.js';
import { runCommand } from '../support/run-command.js';
import { tlsFile } from '../support/tls.js';

const commands = { primary: PrimaryStart, replica: ReplicaFollow, server: Serve };
const ids = { primary: ['primary', 'start'], replica: ['replica', 'follow'], server: ['serve'] };
const roles = ['primary', 'replica', 'server'] as const;
const flagged = optionRows.filter(([, { flag }]) => flag !== undefined);
const numeric = optionRows.filter(([, { kind }]) => ['count', 'size', 'shards'].includes(kind));
const places = flagged.flatMap(([name, option]) => option.on.map((role) => ({ name, option, role })));

/** Around every bound that an option has, and far outside of all. */
const numbers = [
  ...[0, 1, 2, 3, 4, 10, 16, 21, 22, 23, 200, 500, 512, 750, 1_000, 5_000, 5_001, 60_000, 60_001, 65_535],
  ...[1_024, 4_095, 4_096, 65_536, 2 ** 20, 2 ** 20 + 1, 60_000_000, 60_000_001, 2 ** 26, 2 ** 26 + 1],
  ...[127 * 2 ** 20, 127 * 2 ** 20 + 1, 2 ** 27, 2 ** 28, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1],
];
/** The least and the greatest number of `numbers` that each option takes. */
const bounds: { [name in OptionName]?: readonly [number, number] } = {
  shards: [1, 1_024],
  zstdLevel: [1, 22],
  batchMaxRecords: [1, 2 ** 20],
  batchMaxBytes: [1, 2 ** 26],
  batchMaxDelayUs: [1, 60_000_000],
  backlogBytes: [0, 2 ** 53 - 1],
  dataSegmentBytes: [2 ** 20, 2 ** 53 - 1],
  snapshotChunkBytes: [4_096, 2 ** 26],
  loadDatabase: [0, 2 ** 31 - 1],
  maxReplicas: [1, 65_535],
  subscriberQueueFrames: [0, 2 ** 53 - 1],
  subscriberQueueBytes: [1, 2 ** 53 - 1],
  minReplicas: [0, 2 ** 31 - 1],
  minReplicasMaxLagSeconds: [0, 2 ** 31 - 1],
  replicaPriority: [0, 2 ** 31 - 1],
  maxMemoryBytes: [0, 2 ** 53 - 1],
  maxValueBytes: [1, 127 * 2 ** 20],
  reconnectBackoffMs: [1, 5_000],
  connectTimeoutMs: [1, 60_000],
};

function configOf(role: Role, options: object): NodeConfig {
  if (role === 'server') return serverConfig(options);
  return role === 'primary' ? primaryConfig(options) : replicaConfig('127.0.0.1:1', options);
}

/** The refusal, or undefined. */
function refusalOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

type ParserInput = Parameters<typeof Parser.parse>[1];

/** Returns the result of the arguments and the environment, as options of the library. */
async function optionsOf(
  role: Role,
  argv: string[],
  env: Record<string, string> = {},
  warn: (message: string) => void = () => {},
) {
  const words = role === 'replica' ? ['127.0.0.1:1', ...argv] : argv;
  const { flags, args = {} } = commands[role] as unknown as { flags: object; args?: object };
  Object.assign(process.env, env);
  try {
    const parsed = await Parser.parse(words, { flags, args } as ParserInput);
    return optionsFrom(role, parsed, {}, warn) as Record<string, unknown>;
  } finally {
    for (const name of Object.keys(env)) delete process.env[name];
  }
}

function variableOf(option: AnyOption): string {
  return `FASTCACHE_${option.flag!.toUpperCase().replaceAll('-', '_')}`;
}

async function rejectionOf(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => undefined,
    (error: Error) => error.message,
  );
}

describe('the table of options', () => {
  it('has a flag of its own for each option that has one, and no two for one name', () => {
    const flags = flagged.map(([, { flag }]) => flag);
    expect(new Set(flags).size).toBe(flags.length);
    expect(optionRows.filter(([, { flag }]) => flag === undefined).map(([name]) => name)).toEqual([
      'onLoading',
      'failFast',
    ]);
  });

  it('is all that the commands take, but for what only the command line has', () => {
    const flagsOf = (role: Role) => Object.keys(commands[role].flags);
    const ofRows = (role: Role) =>
      places.filter((place) => place.role === role).map(({ option }) => option.flag!);
    for (const role of ['primary', 'server'] as const) {
      expect(flagsOf(role).filter((flag) => !ofRows(role).includes(flag))).toEqual(['no-listen']);
    }
    expect(flagsOf('replica').filter((flag) => !ofRows('replica').includes(flag))).toEqual([
      'once',
      'prefix',
      'no-listen',
    ]);
    expect(ofRows('replica').filter((flag) => !flagsOf('replica').includes(flag))).toEqual([]);
  });

  it('gives all commands what matters in either role', () => {
    const some = optionRows.filter(([, { on }]) => on.length < roles.length).map(([name]) => name);
    expect(some).toEqual([
      'until',
      'readOnly',
      'replicaOf',
      'sequenceBase',
      'load',
      'loadDatabase',
      'skipOtherDatabases',
      'skipOtherTypes',
      'recover',
      'recoverOrFollow',
      'freshHistory',
      'failFast',
      'changes',
      'state',
    ]);
  });

  it.each(roles)('is in the help of the command of a %s, with defaults and variables', async (role) => {
    const { stdout } = await runCommand([...ids[role], '--help'], { env: { COLUMNS: '400' } });
    const help = stdout.replace(/\s+/g, ' ');
    for (const { option } of places.filter((place) => place.role === role)) {
      expect(help).toContain(option.summary!.replace(/\s+/g, ' '));
      expect(help).toMatch(new RegExp(`--${option.flag}(=\\S+)? \\[[^\\]]*env: ${variableOf(option)}\\]`));
    }
    expect(help).toContain('[default: 64mb, env: FASTCACHE_BACKLOG]');
    expect(help).toContain('[default: 500, env: FASTCACHE_CONNECT_TIMEOUT_MS]');
  });

  it('says of each number in the words for programs what its range and its default are', () => {
    const source = ['options', 'start-options', 'data-options', 'supervision-options']
      .map((name) => readFileSync(`src/server/${name}.ts`, 'utf8'))
      .join('\n');
    for (const [name, option] of numeric) {
      const [, comment] = new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\s+${name}: `).exec(source)!;
      const words = comment!.replace(/\s*\n\s*\*\s*/g, ' ');
      const [, range] = /(from .*|a power .*)$/.exec(option.expected)!;
      expect(words).toContain(range);
      const spelt = option.kind === 'size' ? /default (0|\d+[kmg]b)/ : /default (\d+)/;
      const units = { kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };
      const [, digits, unit] = /^(\d+)([kmg]b)?$/.exec(spelt.exec(words)![1]!)!;
      const said = Number(digits) * (unit === undefined ? 1 : units[unit as keyof typeof units]);
      expect({ name, default: said }).toEqual({ name, default: option.defaultOf('primary') });
    }
  });
});

describe('numbers', () => {
  it('are all here', () => {
    expect(Object.keys(bounds).sort()).toEqual(numeric.map(([name]) => name).sort());
  });

  it.each(numeric)(
    '%s has the same range in the library, as a flag and in the environment',
    async (name, option) => {
      for (const role of option.on) {
        const taken: number[] = [];
        for (const number of numbers) {
          const refusal = refusalOf(() => configOf(role, { [name]: number }));
          const text = String(number);
          const flag = await rejectionOf(optionsOf(role, [`--${option.flag}`, text]));
          const variable = await rejectionOf(optionsOf(role, [], { [variableOf(option)]: text }));
          expect({ number, isRefused: flag !== undefined }).toEqual({
            number,
            isRefused: refusal !== undefined,
          });
          expect(variable).toBe(flag);
          if (refusal === undefined) taken.push(number);
          else {
            const [, range] = /(from .*|a power .*); it is /.exec(refusal)!;
            expect(refusal).toMatch(new RegExp(`^\`${name}\` must be .*; it is ${number}\\.$`));
            expect(flag).toContain(`--${option.flag}`);
            expect(flag).toContain(range);
          }
        }
        expect([Math.min(...taken), Math.max(...taken)]).toEqual(bounds[name]);
      }
    },
  );

  it.each(numeric)('%s takes nothing that is no whole number', (name, option) => {
    for (const role of option.on) {
      for (const wrong of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '4', null, true, 4n, [4]]) {
        expect(refusalOf(() => configOf(role, { [name]: wrong }))).toMatch(
          new RegExp(`^\`${name}\` must be `),
        );
      }
    }
  });

  it.each([
    { maxValueBytes: 2 ** 27 },
    { connectTimeoutMs: 2 ** 31 },
    { maxReplicas: 0 },
    { reconnectBackoffMs: 5_001 },
  ])('that were once taken without their flags are refused: %o', async (options) => {
    const refusal = { code: 'BAD_OPTION', exitCode: 2 };
    await expect(Primary.start({ bind: ':0', listen: false, ...options })).rejects.toMatchObject(refusal);
    await expect(Replica.follow('127.0.0.1:1', options)).rejects.toMatchObject(refusal);
  });
});

/** Returns the options that an option needs beside itself, so that it is not refused; none for most. */
function neededBy(name: OptionName): { [other in OptionName]?: string | true } {
  if (name === 'append' || name === 'force') return { record: 'dump.fcrp' };
  if (name === 'recoverOrFollow') return { recover: ':7631' };
  if (!/^(tls|metricsTls|listenTls)/.test(name)) return {};
  const { [name as 'tls']: _, ...others } = {
    tlsCert: 'cert',
    tlsKey: 'key',
    tls: true,
    metrics: ':0',
  } as const;
  return others;
}

/** The same as flags. */
function flagsNeededBy(name: OptionName): string[] {
  return Object.entries(neededBy(name)).flatMap(([other, value]) => {
    const flag = `--${serverOptions[other as OptionName].flag}`;
    return value === true ? [flag] : [flag, String(value)];
  });
}

describe('other options', () => {
  const samples: { [kind in AnyOption['kind']]?: { good: unknown[]; bad: unknown[] } } = {
    address: { good: ['127.0.0.1:0', '[::1]:7'], bad: ['somewhere', '127.0.0.1:70000', ''] },
    place: { good: ['redis.example:6379', '[::1]:7', ':6379'], bad: ['somewhere', ':0', 'a=b:1', ''] },
    file: { good: ['dump.fcrp'], bad: [''] },
    events: { good: ['KEA', 'Kg$'], bad: ['Q', 'K E'] },
  };
  const texts = places.flatMap((place) => {
    const { option } = place;
    if (option.kind === 'choice')
      return [{ ...place, good: [...option.choices], bad: ['x', '', 'FULL-KEY'] }];
    const sample = samples[option.kind];
    return sample === undefined || place.name === 'state' ? [] : [{ ...place, ...sample }];
  });

  it.each(texts)(
    '$name of a $role takes the same words in each place',
    async ({ name, option, role, good, bad }) => {
      for (const word of good) {
        const needed = flagsNeededBy(name);
        const argv = [...needed, `--${option.flag}`, String(word)];
        expect((await optionsOf(role, argv))[name]).toBe(word);
        expect((await optionsOf(role, needed, { [variableOf(option)]: String(word) }))[name]).toBe(word);
        expect(refusalOf(() => configOf(role, { ...neededBy(name), [name]: word }))).toBeUndefined();
      }
      for (const word of bad) {
        expect(refusalOf(() => configOf(role, { [name]: word }))).toMatch(
          new RegExp(`^\`${name}\` must be `),
        );
        const flag = await rejectionOf(optionsOf(role, [`--${option.flag}`, String(word)]));
        if (word !== '' || option.kind !== 'file' || name !== 'load')
          expect(flag).toContain(`--${option.flag}`);
      }
      expect(refusalOf(() => configOf(role, { [name]: 7 }))).toMatch(/ it is 7\.$/);
    },
  );

  it('are refused when there is none of the name, or none of the role', async () => {
    const refused = (options: object) => rejectionOf(Primary.start(options));
    expect(await refused({ maxReplica: 3 })).toBe('There is no option `maxReplica`.');
    expect(await refused({ toString: 3 })).toBe('There is no option `toString`.');
    expect(await refused({ state: 'x' })).toBe('`state` is no option of a primary.');
    expect(await rejectionOf(Replica.follow('127.0.0.1:1', { load: 'x' } as object))).toBe(
      '`load` is no option of a replica.',
    );
    expect(await refused('--bind' as unknown as object)).toBe('The options of a primary are an object.');
    expect(await refused({ bind: false })).toMatch(/^`bind` must be host:port/);
  });

  it('that are secrets have 1 to 4096 bytes, and no refusal shows them', async () => {
    for (const name of ['token', 'password']) {
      const long = 'hunter2'.repeat(1_000);
      expect(refusalOf(() => configOf('primary', { [name]: long }))).toBe(
        `\`${name}\` must be a text of 1 to 4096 bytes; it has 7000.`,
      );
      expect(refusalOf(() => configOf('replica', { [name]: '' }))).toContain('it has 0');
      expect(await optionsOf('replica', [], { [`FASTCACHE_${name.toUpperCase()}`]: 's3' })).toMatchObject({
        [name]: 's3',
      });
      const variable = { [`FASTCACHE_${name.toUpperCase()}`]: long };
      expect(await rejectionOf(optionsOf('primary', [], variable))).toBe(
        `FASTCACHE_${name.toUpperCase()} must hold a text of 1 to 4096 bytes; it has 7000`,
      );
    }
  });

  it('that are yes or no take nothing else, and a flag sets them', async () => {
    for (const { name, option, role } of places.filter((place) => place.option.kind === 'boolean')) {
      expect(refusalOf(() => configOf(role, { [name]: 'yes' }))).toBe(
        `\`${name}\` must be true or false; it is yes.`,
      );
      const unset = (await optionsOf(role, []))[name];
      expect(unset).toBe((configOf(role, {}) as { [name in OptionName]?: unknown })[name]);
      const needed = flagsNeededBy(name);
      const word = option.kind === 'boolean' && option.isSwitch ? [unset ? 'off' : 'on'] : [];
      expect((await optionsOf(role, [...needed, `--${option.flag}`, ...word]))[name]).toBe(!unset);
      expect((await optionsOf(role, needed, { [variableOf(option)]: word[0] ?? '1' }))[name]).toBe(!unset);
    }
  });

  it('that are addresses of others come in one list, from a flag that may be repeated or a variable', async () => {
    const addresses = ['10.0.0.2:7631', '10.0.0.3:7631', '10.0.0.4:7631'];
    const [first, ...others] = addresses;
    const argv = ['--recover', first!, '--recover', others.join()];
    expect(await optionsOf('primary', argv)).toMatchObject({ recover: addresses });
    const env = { FASTCACHE_RECOVER: addresses.join() };
    expect(await optionsOf('primary', [], env)).toMatchObject({ recover: addresses });
    expect(await rejectionOf(optionsOf('primary', ['--recover', ':1', '--load', 'x']))).toBe(
      '--recover and --load both say where the content is; give one.',
    );
    expect(refusalOf(() => configOf('primary', { recover: ['no address'] }))).toMatch(
      /^`recover` must be a list of 1 to 64 addresses, .*; it is \[no address\]\.$/,
    );
  });

  it('that name Sentinels come together, and not with what keeps no role', async () => {
    const asked = ['--sentinels', '10.0.0.1:26379,10.0.0.2:26379', '--sentinel-name', 'mymaster'];
    for (const role of roles) {
      expect(await optionsOf(role, asked, { FASTCACHE_SENTINEL_PASSWORD: 's3' })).toMatchObject({
        sentinels: ['10.0.0.1:26379', '10.0.0.2:26379'],
        sentinelName: 'mymaster',
        sentinelPassword: 's3',
      });
      expect(await rejectionOf(optionsOf(role, asked.slice(0, 2)))).toMatch(/; give --sentinel-name, too\.$/);
      expect(await rejectionOf(optionsOf(role, asked.slice(2)))).toMatch(
        / use to --sentinels; give them, too\.$/,
      );
      expect(await rejectionOf(optionsOf(role, [...asked.slice(0, 3), 'my master']))).toContain(
        'white space',
      );
    }
    const tap = ['--state', 'x', '--record', 'y', '--role-file', 'z'];
    expect(await rejectionOf(optionsOf('replica', tap))).toContain('there is no role for --role-file');
    expect(await rejectionOf(optionsOf('server', ['--replicaof', ':1', '--load', 'x']))).toBe(
      '--replicaof and --load both say where the content is; give one.',
    );
  });

  it('that listen are told of by their flags where they are refused', async () => {
    const argv = ['--bind', '0.0.0.0:0'];
    expect(await rejectionOf(optionsOf('primary', argv))).toMatch(/; --insecure allows it\.$/);
    expect(await optionsOf('primary', [...argv, '--insecure'])).toMatchObject({ bind: '0.0.0.0:0' });
    expect(refusalOf(() => configOf('primary', { bind: '0.0.0.0:0' }))).toMatch(/; `insecure` allows it\.$/);
    expect(await rejectionOf(optionsOf('replica', ['--state', 'x', '--record', 'x']))).toBe(
      '--record and --state are the same file.',
    );
  });
});

describe('defaults', () => {
  it.each(roles)('of a %s are the same for programs and on the command line', async (role) => {
    const { primary: _, ...fromProgram } = configOf(role, {});
    const { primary: __, ...fromFlags } = configOf(role, await optionsOf(role, []));
    const { listen, ...others } = fromFlags;
    expect(others).toEqual((({ listen: ___, ...rest }) => rest)(fromProgram));
    expect(listen).toEqual({ host: '127.0.0.1', port: role === 'replica' ? 6_381 : 6_380 });
    expect(fromProgram.listen).toEqual(role === 'replica' ? undefined : listen);
  });

  it('are these', () => {
    expect(configOf('primary', {})).toMatchObject({
      bind: { host: '127.0.0.1', port: 7_631 },
      shards: 4,
      route: 'full-key',
      compression: 'none',
      zstdLevel: 3,
      sendPolicy: 'adaptive',
      batchMaxRecords: 512,
      batchMaxBytes: 2 ** 20,
      batchMaxDelayUs: 750,
      backlogBytes: 2 ** 26,
      snapshotChunkBytes: 2 ** 20,
      maxReplicas: 16,
      subscriberQueueFrames: 0,
      subscriberQueueBytes: 2 ** 28,
      minReplicas: 0,
      minReplicasMaxLagSeconds: 10,
      sequenceBase: 'clock',
      maxMemoryBytes: 0,
      eviction: 'noeviction',
      notifyKeyspaceEvents: '',
      maxValueBytes: 2 ** 26,
      reconnectBackoffMs: 200,
      connectTimeoutMs: 500,
      servesStaleData: true,
    });
  });
});

describe('CONFIG', () => {
  let client: RespClient | undefined;
  afterEach(() => client?.close());
  const shown = optionRows.filter(([, { config }]) => config !== undefined);
  const given: { [name in OptionName]?: unknown } = {
    minReplicas: 3,
    minReplicasMaxLagSeconds: 7,
    maxMemoryBytes: 123_456_789,
    notifyKeyspaceEvents: 'AKE',
    eviction: 'allkeys-lru',
    fsync: 'always',
    dataBase: '1gb',
    dataKeep: '24h',
    onDataFault: 'continue',
    maxValueBytes: 1_234_567,
    servesStaleData: false,
    freshHistory: false,
    announce: 'redis.example:7000',
    replicaPriority: 7,
    isReplicaAnnounced: false,
    listen: '127.0.0.1:0',
    listenTls: '127.0.0.1:0',
    password: 'sesame',
    tls: true,
    tlsCert: tlsFile('server.crt'),
    tlsKey: tlsFile('server.key'),
    tlsCa: tlsFile('ca.crt'),
  };

  async function connected(options: object): Promise<RespClient> {
    const { listenAddress } = await startPrimary({ listen: ':0', ...options });
    client = await RespClient.connect(listenAddress!);
    return client;
  }

  async function get(connection: RespClient, name: string): Promise<string> {
    const [, value] = (await connection.command('CONFIG', 'GET', name)) as unknown as Buffer[];
    return String(value);
  }

  it('shows each that it names as it was given, under all its names', async () => {
    expect(shown.map(([name]) => name).sort()).toEqual(Object.keys(given).sort());
    const connection = await connected(given);
    await connection.command('AUTH', 'sesame');
    for (const [name, { config, kind }] of shown) {
      const found: string[] = [];
      for (const alias of config!.names) found.push(await get(connection, alias));
      if (name === 'listenTls') expect(found).toEqual([expect.stringMatching(/^[1-9]\d+$/)]);
      else if (kind === 'address') expect(found).toEqual(['127.0.0.1', expect.stringMatching(/^[1-9]\d+$/)]);
      else if (kind === 'place') {
        expect(found).toEqual(['redis.example', 'redis.example', '7000', '7000']);
      } else if (kind === 'boolean') expect(found).toEqual(found.map(() => (given[name] ? 'yes' : 'no')));
      else expect(found).toEqual(found.map(() => String(given[name])));
    }
  });

  it('takes and refuses the same numbers and words where it can set them', async () => {
    const connection = await connected({});
    for (const [name, option] of shown) {
      const { names, change } = option.config!;
      if (['address', 'place', 'secret', 'file'].includes(option.kind)) continue;
      const words =
        option.kind === 'choice'
          ? [...option.choices, 'x']
          : option.kind === 'events'
            ? ['AKE', 'gxK', '', 'Q']
            : option.kind === 'text'
              ? ['auto', 'never', '1gb', '24h', 'bases:3', 'x']
              : numbers;
      for (const value of option.kind === 'boolean' ? [] : words) {
        const isTaken = refusalOf(() => configOf('primary', { [name]: value })) === undefined;
        for (const alias of names) {
          const reply = String(await connection.command('CONFIG', 'SET', alias, String(value)));
          if (change === 'settable') expect([alias, value, reply === '+OK']).toEqual([alias, value, isTaken]);
          else expect(reply).toMatch(/^-ERR CONFIG SET failed .* can't set immutable config$/);
          if (change === 'settable' && isTaken) expect(await get(connection, names[0]!)).toBe(String(value));
        }
      }
    }
  });

  it('sets no password that could not be given at the start, but may take it away', async () => {
    const connection = await connected({});
    const set = async (password: string) =>
      String(await connection.command('CONFIG', 'SET', 'requirepass', password));
    expect(await set('x'.repeat(4_097))).toMatch(/^-ERR CONFIG SET failed/);
    expect(await set('x'.repeat(4_096))).toBe('+OK');
    expect(await set('')).toBe('+OK');
  });
});
