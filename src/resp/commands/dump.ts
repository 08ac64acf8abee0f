/** DUMP, RESTORE: values as bytes, as Redis has them. */
import type { PayloadFault } from '../../engine/value-dumps.js';
import { NO_EXPIRY } from '../../frame/batch.js';
import { NEW_USES } from '../../kernel/layout.js';
import { parseInt64, wordOf } from '../arguments.js';
import { type Call, type Command, NOT_AN_INTEGER, SYNTAX_ERROR } from '../command.js';
import { invalidExpireTime } from '../expiry-options.js';
import { Failure, OK, type Reply } from '../reply.js';

/** The commands on values as bytes. */
export const dumpCommands: readonly Command[] = [
  {
    name: 'dump',
    arity: 2,
    flags: ['readonly'],
    keys: [1, 1, 1],
    categories: ['keyspace', 'read', 'slow'],
    tips: ['nondeterministic_output'],
    keySpecs: [{ flags: ['RO', 'access'], index: 1, range: [0, 1, 0] }],
    since: '2.6.0',
    group: 'generic',
    complexity:
      'O(1) to access the key and additional O(N*M) to serialize it, where N is the number of Redis objects composing the value and M their average size. For small string values the time complexity is thus O(1)+O(1*M) where M is small, so simply O(1).',
    summary: 'Return a serialized version of the value stored at the specified key.',
    run: ({ args, host }) => host.engine().values.dumps.dump(args[1]!) ?? null,
  },
  {
    name: 'restore',
    arity: -4,
    flags: ['write', 'denyoom'],
    keys: [1, 1, 1],
    categories: ['keyspace', 'write', 'slow', 'dangerous'],
    keySpecs: [{ flags: ['OW', 'update'], index: 1, range: [0, 1, 0] }],
    since: '2.6.0',
    group: 'generic',
    complexity:
      'O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, where N is the number of Redis objects composing the value and M their average size. For small string values the time complexity is thus O(1)+O(1*M) where M is small, so simply O(1). However for sorted set values the complexity is O(N*M*log(N)) because inserting values into sorted sets is O(log(N)).',
    summary: 'Create a key using the provided serialized value, previously obtained using DUMP.',
    history: [
      ['3.0.0', 'Added the `REPLACE` modifier.'],
      ['5.0.0', 'Added the `ABSTTL` modifier.'],
      ['5.0.0', 'Added the `IDLETIME` and `FREQ` options.'],
    ],
    run: restore,
  },
];

const BUSY_KEY = new Failure('BUSYKEY Target key name already exists.');
const BAD_TTL = new Failure('ERR Invalid TTL value, must be >= 0');
const BAD_IDLE_TIME = new Failure('ERR Invalid IDLETIME value, must be >= 0');
const BAD_FREQUENCY = new Failure('ERR Invalid FREQ value, must be >= 0 and <= 255');
const DAMAGED = new Failure('ERR DUMP payload version or checksum are wrong');
const MALFORMED = new Failure('ERR Bad data format');

const FREQUENCY_MAX = 255n;
const INT64_MAX = 2n ** 63n - 1n;

interface RestoreOptions {
  replaces: boolean;
  /** The time is Unix ms, not from now. */
  isAbsolute: boolean;
  /** Undefined when they are not given. */
  idleSeconds: bigint | undefined;
  frequency: bigint | undefined;
}

function restore({ args, host }: Call): Reply {
  const options = readOptions(args);
  if (options instanceof Failure) return options;
  const key = args[1]!;
  const engine = host.engine();
  if (!options.replaces && engine.expiryOf(key) !== undefined) return BUSY_KEY;
  const ttlMs = parseInt64(args[2]!);
  if (ttlMs === undefined) return NOT_AN_INTEGER;
  if (ttlMs < 0n) return BAD_TTL;
  const expireAtMs = options.isAbsolute ? ttlMs : ttlMs + BigInt(host.clock.nowMs());
  if (expireAtMs > INT64_MAX) return invalidExpireTime('restore');
  const fault = engine.values.dumps.restore(key, args[3]!, ttlMs === 0n ? NO_EXPIRY : expireAtMs);
  if (fault !== undefined) return failureOf(fault);
  // A key that is replaced does not keep its uses.
  const { frequency = NEW_USES, idleSeconds = 0 } = options;
  engine.uses.set(key, Number(engine.countsUses ? frequency : idleSeconds));
  return OK;
}

/** Reads what is behind the payload. */
function readOptions(args: readonly Buffer[]): RestoreOptions | Failure {
  const options: RestoreOptions = {
    replaces: false,
    isAbsolute: false,
    idleSeconds: undefined,
    frequency: undefined,
  };
  for (let index = 4; index < args.length; index++) {
    const word = wordOf(args, index);
    const hasMore = index + 1 < args.length;
    if (word === 'replace') options.replaces = true;
    else if (word === 'absttl') options.isAbsolute = true;
    else if (word === 'idletime' && hasMore && options.frequency === undefined) {
      const seconds = parseInt64(args[++index]!);
      if (seconds === undefined) return NOT_AN_INTEGER;
      if (seconds < 0n) return BAD_IDLE_TIME;
      options.idleSeconds = seconds;
    } else if (word === 'freq' && hasMore && options.idleSeconds === undefined) {
      const frequency = parseInt64(args[++index]!);
      if (frequency === undefined) return NOT_AN_INTEGER;
      if (frequency < 0n || frequency > FREQUENCY_MAX) return BAD_FREQUENCY;
      options.frequency = frequency;
    } else return SYNTAX_ERROR;
  }
  return options;
}

function failureOf(fault: PayloadFault): Failure {
  if (fault.kind === 'damaged') return DAMAGED;
  if (fault.kind === 'malformed') return MALFORMED;
  return new Failure(`ERR The payload is a ${fault.name}, and this server holds strings only`);
}
