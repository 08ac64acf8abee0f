/**
 * Asks Sentinels who the primary of a name is. Their answers are checked, and the time that a server waits
 * for them is bounded.
 */
import { FastcacheError } from '../errors.js';
import { serverError } from '../redis-client/connect.js';
import { RedisSession } from '../redis-client/session.js';
import { formatAddress, isHost, portIn } from '../transport/address.js';
import type { Address } from '../transport/connection.js';
import type { NodeConfig } from './config.js';
import type { NodeSeams } from './seams.js';

/** Milliseconds that a Sentinel has to answer, connecting included. */
const ANSWER_DEADLINE_MS = 2_000;

/** A Sentinel's answer about the primary of a name. */
export interface SentinelAnswer {
  readonly primary: Address;
  /** Whether that one has replicas, or has been promoted: it is not new. */
  readonly hasPast: boolean;
  /** The number of the failover by which it became primary. */
  readonly epoch: number;
}

/** The answers of all Sentinels, and the one that counts. */
export interface SentinelAnswers {
  /** The answer of the Sentinel that knows of the latest failover; undefined: none has answered. */
  readonly answer: SentinelAnswer | undefined;
  /** Why the others gave none, in the order of the Sentinels. */
  readonly faults: readonly FastcacheError[];
}

type Asked = Pick<NodeConfig, 'sentinels' | 'sentinelName' | 'sentinelPassword' | 'connectTimeoutMs'>;
type Way = Pick<NodeSeams, 'transport' | 'timers'>;

/** Asks all Sentinels of `config` at once. */
export async function askSentinels(config: Asked, seams: Way): Promise<SentinelAnswers> {
  const asked = await Promise.allSettled(config.sentinels.map((address) => ask(address, config, seams)));
  let answer: SentinelAnswer | undefined;
  const faults: FastcacheError[] = [];
  for (const each of asked) {
    if (each.status === 'fulfilled') {
      if (answer === undefined || each.value.epoch > answer.epoch) answer = each.value;
    } else if (each.reason instanceof FastcacheError) faults.push(each.reason);
    else throw each.reason;
  }
  return { answer, faults };
}

/**
 * Rejects with PRIMARY_UNREACHABLE, CONNECTION_LOST, PEER_SILENT, PASSWORD_REFUSED, SERVER_REFUSED and
 * REPLY_MALFORMED.
 */
async function ask(address: Address, config: Asked, { transport, timers }: Way): Promise<SentinelAnswer> {
  const { sentinelName: name = '', sentinelPassword: password, connectTimeoutMs } = config;
  const session = new RedisSession({ transport, timers, address, connectTimeoutMs, password });
  const deadline = timers.after(ANSWER_DEADLINE_MS, () => {
    session.end(serverError(address, 'PEER_SILENT', `did not answer within ${ANSWER_DEADLINE_MS} ms`));
  });
  try {
    await session.open();
    const [who = [], what = []] = await Promise.all([
      session.askList('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name),
      session.askList('SENTINEL', 'MASTER', name),
    ]);
    return answerOf(who, what, formatAddress(address));
  } finally {
    deadline.cancel();
    session.close();
  }
}

/** Reads the address, and of all that is known of the primary whether it is new. */
function answerOf(who: readonly string[], what: readonly string[], place: string): SentinelAnswer {
  const [host = '', portText] = who;
  const port = portIn(portText);
  const field = (name: string) => {
    const at = what.findIndex((text, index) => index % 2 === 0 && text === name);
    const value = at === -1 ? '' : (what[at + 1] ?? '');
    return /^\d{1,15}$/.test(value) ? Number(value) : undefined;
  };
  const [epoch, replicas] = [field('config-epoch'), field('num-slaves')];
  const isWhole = who.length === 2 && port !== undefined && epoch !== undefined && replicas !== undefined;
  if (!isWhole || !isHost(host)) {
    const message = `${place} does not answer as a Sentinel does.`;
    throw new FastcacheError('REPLY_MALFORMED', message, { address: place });
  }
  return { primary: { host, port }, hasPast: replicas > 0 || epoch > 0, epoch };
}
