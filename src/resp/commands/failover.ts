/** FAILOVER, and REPLTAKEOVER by which Dragonfly's operator has a replica ask for one. */
import type { FailoverWish } from '../../replication/primary/failover.js';
import { formatAddress } from '../../transport/address.js';
import { parseInt64, wordOf } from '../arguments.js';
import { type Call, type Command, NO_KEYS, NOT_AN_INTEGER, SYNTAX_ERROR } from '../command.js';
import type { Later } from '../later.js';
import { Failure, OK, type Reply } from '../reply.js';

const TIMEOUT_NOT_POSITIVE = new Failure('ERR FAILOVER timeout must be greater than 0');
const TIMEOUT_NEGATIVE = new Failure('ERR timeout is negative');
/** The longest wait, ms: 23 days, which a timer takes with some seconds to spare. */
const WAIT_MS_MAX = 2_000_000_000n;

const row = {
  keys: NO_KEYS,
  categories: ['admin', 'slow', 'dangerous'],
  group: 'server',
  complexity: 'O(1)',
} as const;

/** The commands on failovers. */
export const failoverCommands: readonly Command[] = [
  {
    ...row,
    name: 'failover',
    arity: -1,
    flags: ['admin', 'noscript', 'stale'],
    since: '6.2.0',
    summary: 'Start a coordinated failover between this server and one of its replicas.',
    run: failOver,
  },
  {
    ...row,
    name: 'repltakeover',
    arity: -2,
    flags: ['admin', 'noscript', 'no_multi', 'blocking'],
    since: '7.0.0',
    summary: 'Have the primary of this replica hand over to it, as Dragonfly does.',
    run: takeOver,
  },
];

function failOver({ args, client, host: { replication } }: Call): Reply {
  const { failover } = replication;
  const isAbort = args.length === 2 && wordOf(args, 1) === 'abort';
  const wish = isAbort ? undefined : readWish(args);
  if (wish instanceof Failure) return wish;
  const refusal = wish === undefined ? failover.abort() : failover.begin(wish, client);
  return refusal === undefined ? OK : new Failure(`ERR ${refusal}`);
}

function readWish(args: readonly Buffer[]): FailoverWish | Failure {
  let timeoutMs: number | undefined;
  let to: string | undefined;
  let isForced = false;
  for (let index = 1; index < args.length; index += 1) {
    const option = wordOf(args, index);
    const following = args.length - index - 1;
    if (option === 'timeout' && following >= 1 && timeoutMs === undefined) {
      const given = parseInt64(args[index + 1]!);
      if (given === undefined) return NOT_AN_INTEGER;
      if (given <= 0n) return TIMEOUT_NOT_POSITIVE;
      timeoutMs = clampedMs(given);
      index += 1;
    } else if (option === 'to' && following >= 2 && to === undefined) {
      const port = parseInt64(args[index + 2]!);
      if (port === undefined) return NOT_AN_INTEGER;
      to = formatAddress({ host: args[index + 1]!.toString('latin1'), port: Number(port) });
      index += 2;
    } else if (option === 'force' && !isForced) isForced = true;
    else return SYNTAX_ERROR;
  }
  return { to, timeoutMs, isForced };
}

function takeOver({ args, host: { replication } }: Call): Reply | Later {
  const seconds = parseInt64(args[1]!);
  if (seconds === undefined) return NOT_AN_INTEGER;
  // There is nothing to save.
  if (args.length > 3 || (args.length === 3 && wordOf(args, 2) !== 'save')) return SYNTAX_ERROR;
  return seconds < 0n ? TIMEOUT_NEGATIVE : replication.failover.takeOver(clampedMs(seconds * 1000n));
}

function clampedMs(ms: bigint): number {
  return Number(ms > WAIT_MS_MAX ? WAIT_MS_MAX : ms);
}
