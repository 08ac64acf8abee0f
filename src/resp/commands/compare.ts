/** DELEX, DELIFEQ, DIGEST: commands about a value that is, or is not, the one that a client knows. */
import { wordOf } from '../arguments.js';
import { type Call, type Command, type FoundKey, SYNTAX_ERROR, wrongArity } from '../command.js';
import type { CommandHost } from '../command-host.js';
import { Failure, type Reply } from '../reply.js';

/** The commands that compare: of Redis 8.4, and DELIFEQ of Valkey 9. */
export const compareCommands: readonly Command[] = [
  {
    name: 'delex',
    arity: -2,
    flags: ['write', 'fast'],
    keys: [1, 1, 1],
    categories: ['write', 'string', 'fast'],
    keySpecs: [{ flags: ['RW', 'delete', 'variable_flags'], index: 1, range: [0, 1, 0] }],
    findKeys: keyOfDelex,
    since: '8.4.0',
    group: 'string',
    complexity: 'O(1) for IFEQ/IFNE, O(N) for IFDEQ/IFDNE where N is the length of the string value.',
    summary: 'Conditionally removes the specified key based on value or digest comparison.',
    run: delex,
  },
  {
    name: 'delifeq',
    arity: 3,
    flags: ['write'],
    keys: [1, 1, 1],
    categories: ['write', 'string', 'slow'],
    keySpecs: [{ flags: ['RM', 'access', 'delete'], index: 1, range: [0, 1, 0] }],
    since: '9.0.0',
    group: 'string',
    complexity: 'O(1)',
    summary: 'Delete key if value matches string.',
    run: ({ args, host }) => deleteIf(args[1]!, host.engine().values.look(args[1]!)?.equals(args[2]!), host),
  },
  {
    name: 'digest',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: [1, 1, 1],
    categories: ['read', 'string', 'fast'],
    keySpecs: [{ flags: ['RO', 'access'], index: 1, range: [0, 1, 0] }],
    since: '8.4.0',
    group: 'string',
    complexity: 'O(N) where N is the length of the string value.',
    summary: 'Returns the XXH3 hash of a string value.',
    run: digest,
  },
];

/** Redis' answer to a digest that is not valid. */
const BAD_DIGEST = new Failure('ERR must be exactly 16 hexadecimal characters');
const DIGEST_DIGITS = 16;
const DIGEST = /^[\da-f]{16}$/i;

const CONDITIONS: ReadonlySet<string> = new Set(['ifeq', 'ifne', 'ifdeq', 'ifdne']);

function digest({ args, host }: Call): Reply {
  return host.engine().values.digest(args[1]!)?.toString(16).padStart(DIGEST_DIGITS, '0') ?? null;
}

function delex({ args, host }: Call): Reply {
  const key = args[1]!;
  if (args.length === 2) return host.engine().del(key) ? 1 : 0;
  if (args.length !== 4) return wrongArity('delex');
  const condition = wordOf(args, 2);
  if (!CONDITIONS.has(condition)) return SYNTAX_ERROR;
  const isSame = condition.includes('d')
    ? hasDigest(key, args[3]!, host)
    : host.engine().values.look(key)?.equals(args[3]!);
  if (isSame instanceof Failure) return isSame;
  const isWanted = condition.endsWith('eq') ? isSame : isSame === false;
  return deleteIf(key, isWanted, host);
}

/** Whether a value has a digest; undefined when there is none. */
function hasDigest(key: Buffer, text: Buffer, host: CommandHost): boolean | undefined | Failure {
  const digits = text.toString('latin1', 0, DIGEST_DIGITS + 1);
  if (!DIGEST.test(digits)) return BAD_DIGEST;
  const found = host.engine().values.peekDigest(key);
  return found === undefined ? undefined : found === BigInt(`0x${digits}`);
}

function deleteIf(key: Buffer, isWanted: boolean | undefined, host: CommandHost): Reply {
  return isWanted && host.engine().del(key) ? 1 : 0;
}

/** With a condition it reads the value. */
function keyOfDelex(args: readonly Buffer[]): readonly FoundKey[] {
  return [{ key: args[1]!, flags: args.length === 2 ? ['RM', 'delete'] : ['RW', 'access', 'delete'] }];
}
