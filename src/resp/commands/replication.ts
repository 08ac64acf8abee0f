/** ROLE, REPLICAOF, SLAVEOF, WAIT, WAITAOF. */
import { isHost } from '../../transport/address.js';
import { parseInt64, wordOf } from '../arguments.js';
import { type Call, type Command, LOADING, NO_DATA, NO_KEYS, NOT_AN_INTEGER } from '../command.js';
import type { ReplicationHost } from '../command-host.js';
import { Later } from '../later.js';
import { Failure, OK, type Reply, Status } from '../reply.js';
import { parseTimeoutMs } from '../timeout.js';

const PORT_MAX = 65_535n;
/** The longest that a timer takes: 24 days, in milliseconds. */
const TIMER_MS_MAX = 2n ** 31n - 1n;

const replicaOf = {
  arity: 3,
  flags: ['admin', 'noscript', 'stale', 'no_async_loading'],
  keys: NO_KEYS,
  categories: ['admin', 'slow', 'dangerous'],
  group: 'server',
  complexity: 'O(1)',
  summary: 'Make the server a replica of another instance, or promote it as master.',
  run: follow,
} as const;

/** The commands on replication. */
export const replicationCommands: readonly Command[] = [
  {
    name: 'role',
    arity: 1,
    flags: ['noscript', 'loading', 'stale', 'fast'],
    keys: NO_KEYS,
    categories: ['admin', 'fast', 'dangerous'],
    since: '2.8.12',
    group: 'server',
    complexity: 'O(1)',
    summary: 'Return the role of the instance in the context of replication',
    run: ({ host }) => host.replication.roleReply(),
  },
  { ...replicaOf, name: 'replicaof', since: '5.0.0' },
  {
    ...replicaOf,
    name: 'slaveof',
    since: '1.0.0',
    deprecated: { since: '5.0.0', replacedBy: '`REPLICAOF`' },
  },
  {
    name: 'wait',
    arity: 3,
    flags: ['noscript'],
    keys: NO_KEYS,
    categories: ['slow', 'connection'],
    tips: ['request_policy:all_shards', 'response_policy:agg_min'],
    since: '3.0.0',
    group: 'generic',
    complexity: 'O(1)',
    summary:
      'Wait for the synchronous replication of all the write commands sent in the context of the current connection',
    run: wait,
  },
  {
    name: 'waitaof',
    arity: 4,
    flags: ['blocking'],
    keys: NO_KEYS,
    categories: ['slow', 'blocking', 'connection'],
    tips: ['request_policy:all_shards', 'response_policy:agg_min'],
    since: '7.2.0',
    group: 'generic',
    complexity: 'O(1)',
    summary:
      'Blocks until all of the preceding write commands sent by the connection are written to the append-only file of the master and/or replicas.',
    run: waitForDisks,
  },
];

function follow({ args, host: { replication, situation } }: Call): Reply {
  if (replication.failover.state !== 'no-failover') {
    return new Failure('ERR REPLICAOF not allowed while failing over.');
  }
  if (wordOf(args, 1) === 'no' && wordOf(args, 2) === 'one') {
    // A server that is promoted before it holds anything would be an empty primary.
    if (replication.isReplica && situation.isLoading) return LOADING;
    if (replication.lacksData) return NO_DATA;
    if (replication.isReplica) replication.promote();
    return OK;
  }
  const port = parseInt64(args[2]!);
  if (port === undefined || port < 0n || port > PORT_MAX) return new Failure('ERR Invalid master port');
  const host = args[1]!.toString('latin1');
  if (!isHost(host)) return new Failure('ERR Invalid master host');
  const { primary, isRefusing } = replication;
  if (!isRefusing && primary?.host.toLowerCase() === host.toLowerCase() && primary.port === Number(port)) {
    return new Status('OK Already connected to specified master');
  }
  replication.follow({ host, port: Number(port) });
  return OK;
}

function wait({ args, client, host: { replication } }: Call): Reply | Later {
  if (replication.isReplica) {
    return new Failure(
      'ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is ' +
        'configured to be writable (which is not the default) writes to replicas are just local and are not propagated.',
    );
  }
  const replicas = parseInt64(args[1]!);
  if (replicas === undefined) return NOT_AN_INTEGER;
  const timeoutMs = parseTimeoutMs(args[2]!);
  if (timeoutMs instanceof Failure) return timeoutMs;
  if (client.isInExec) return acknowledgedNow(replication);
  const { start } = replication.wait(Number(replicas), timerMs(timeoutMs));
  return new Later(start, () => acknowledgedNow(replication));
}

function waitForDisks({ args, client, host: { replication, durability } }: Call): Reply | Later {
  if (replication.isReplica) {
    return new Failure(
      'ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just ' +
        'local and are not propagated.',
    );
  }
  const local = parseInt64(args[1]!);
  if (local === undefined) return NOT_AN_INTEGER;
  if (local < 0n || local > 1n) return new Failure('ERR value is out of range, value must between 0 and 1');
  const replicas = parseInt64(args[2]!);
  if (replicas === undefined || replicas < 0n) {
    return new Failure('ERR value is out of range, must be positive');
  }
  const timeoutMs = parseTimeoutMs(args[3]!);
  if (timeoutMs instanceof Failure) return timeoutMs;
  if (local === 1n && durability.saves === undefined) {
    return new Failure('ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.');
  }
  const now = () => answerNow(replication.waitForDisks({ isLocal: false, replicas: 0 }, 0));
  if (client.isInExec) return now();
  const wanted = { isLocal: local === 1n, replicas: Number(replicas) };
  const { start } = replication.waitForDisks(wanted, timerMs(timeoutMs));
  return new Later(start, now);
}

/** A WAIT that must not wait (in a transaction) is answered at once. */
function acknowledgedNow(replication: ReplicationHost): Reply {
  return answerNow(replication.wait(0, 0));
}

/** Returns the reply of what answers at once. */
function answerNow(later: Later): Reply {
  let answer: Reply = 0;
  later.start((reply) => {
    answer = reply;
  });
  return answer;
}

function timerMs(timeoutMs: bigint): number {
  return Number(timeoutMs > TIMER_MS_MAX ? TIMER_MS_MAX : timeoutMs);
}
