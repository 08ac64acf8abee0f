/**
 * How a primary begins that has lost its content and takes it back from its replicas (docs/operations.md, "A
 * primary that was restarted"): from the furthest it takes a snapshot, as a replica would, before it serves.
 */
import type { ShardEngine } from '../engine/shard-engine.js';
import { FastcacheError } from '../errors.js';
import { goesBackTo } from '../replication/history.js';
import type { Log } from '../replication/log.js';
import { ReplicationMetrics } from '../replication/metrics.js';
import { Follower } from '../replication/replica/follower.js';
import type { Holding } from '../replication/replica/holding.js';
import { formatAddress } from '../transport/address.js';
import type { Address } from '../transport/connection.js';
import { type Answers, askAll, type Candidate } from './candidates.js';
import { createEngine, type EngineOrigin } from './engines.js';

/** The result of a recovery. */
export interface Recovery {
  /** The content and its history; undefined: there was none. */
  readonly holding: Holding<ShardEngine> | undefined;
  /** One of the nodes that is a primary already, to be followed; undefined: none is. */
  readonly primary: Address | undefined;
  /** Sentences for the log, for the operator. */
  readonly notes: readonly string[];
}

/** The result without a recovery. */
const NOTHING_RECOVERED: Recovery = { holding: undefined, primary: undefined, notes: [] };

/**
 * Recovers as `recover` and `recoverOrFollow` say, and with `freshHistory` also begins without content.
 * Throws PRIMARY_EXISTS, RECOVERY_FAILED, TOKEN_REFUSED, and the error that `ended` rejects with, which ends
 * it.
 */
export async function recover(origin: EngineOrigin, ended: Promise<never>): Promise<Recovery> {
  const { config, seams } = origin;
  if (config.recover.length === 0) return NOTHING_RECOVERED;
  const { transport, timers } = seams;
  const { connectTimeoutMs, token = config.password } = config;
  const asked = askAll(config.recover, { transport, timers, connectTimeoutMs, token });
  const answers = await Promise.race([asked, ended]);
  const [primary] = answers.primaries;
  if (primary !== undefined) return followInstead(primary, config.recoverOrFollow);
  const faults = [...answers.faults];
  for (const candidate of answers.candidates) {
    try {
      const holding = await Promise.race([fetchContent(candidate.address, origin, ended), ended]);
      return { holding, primary: undefined, notes: notesOf(candidate, holding, answers) };
    } catch (error) {
      if (!(error instanceof FastcacheError) || error.code === 'CLOSED') throw error;
      faults.push(error);
    }
  }
  if (!config.freshHistory) throw failed(faults);
  return {
    ...NOTHING_RECOVERED,
    notes: [`nothing was recovered, and it starts without content (--fresh): ${reasons(faults)}`],
  };
}

/** Says that a node that was asked is to be followed. Throws PRIMARY_EXISTS where that is not allowed. */
export function followInstead(primary: Address, mayFollow: boolean): Recovery & { primary: Address } {
  const address = formatAddress(primary);
  if (!mayFollow) {
    throw new FastcacheError(
      'PRIMARY_EXISTS',
      `${address} is a primary already, so nothing is recovered. Follow it (replica follow ${address}), or ` +
        'start with --recover-or-follow, which does.',
      { address },
    );
  }
  return {
    ...NOTHING_RECOVERED,
    primary,
    notes: [`${address} is a primary already: it is followed, as a replica`],
  };
}

/** Takes the content of the node at `address`, as a replica of it. Rejects with what the link ended with. */
function fetchContent(
  address: Address,
  origin: EngineOrigin,
  ended: Promise<never>,
): Promise<Holding<ShardEngine>> {
  const { clock, timers, random, transport } = origin.seams;
  const { connectTimeoutMs, reconnectBackoffMs, token = origin.config.password } = origin.config;
  return new Promise((resolve, reject) => {
    const follower: Follower<ShardEngine> = new Follower<ShardEngine>({
      clock,
      timers,
      random,
      transport,
      address,
      connectTimeoutMs,
      reconnectBackoffMs,
      token,
      metrics: new ReplicationMetrics(),
      log: SILENT,
      failFast: true,
      recorder: undefined,
      createStore: (shards) => createEngine(origin, shards),
      handlers: {
        // It leaves before it acknowledges, so that it is not listed there as a replica that is gone.
        live() {
          const { holding } = follower;
          follower.stop();
          if (holding !== undefined) resolve(holding);
        },
        lost: ({ error }) => follower.stop(error),
        stopped: ({ error }) => {
          if (error !== undefined) reject(error);
        },
      },
    });
    ended.catch((error: Error) => follower.stop(error));
    follower.start();
  });
}

/** Nothing is logged: the notes and the error have all of it. */
const SILENT: Log = { info() {}, warn() {}, error() {} };

function notesOf(
  { address, history }: Candidate,
  { store }: Holding<ShardEngine>,
  { candidates, faults }: Answers,
): string[] {
  const place = formatAddress(address);
  const notes = [`recovered ${store.keyCount()} keys of the history ${history.id} from ${place}`];
  for (const other of candidates) {
    if (goesBackTo(history, other.history.id)) continue;
    notes.push(
      `${formatAddress(other.address)} holds the history ${other.history.id}, to which that does not go back, ` +
        'and keeps it',
    );
  }
  if (faults.length > 0) notes.push(`asked in vain: ${reasons(faults)}`);
  return notes;
}

function failed(faults: readonly FastcacheError[]): FastcacheError {
  const refused = faults.find(({ code }) => code === 'TOKEN_REFUSED');
  return new FastcacheError(
    refused?.code ?? 'RECOVERY_FAILED',
    `Nothing was recovered: ${reasons(faults)} Start again when one of them is up, or without their content ` +
      '(--fresh).',
  );
}

function reasons(faults: readonly FastcacheError[]): string {
  return faults.map(({ message }) => message).join(' ');
}
