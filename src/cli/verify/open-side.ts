/** Opens the sides of `verify`: servers, Rust primaries, dumps and data directories. */
import type { Seams } from '../../clock.js';
import { type Side, serverSide, storeSide } from '../../compare/side.js';
import { StoreAnswers } from '../../compare/store-answers.js';
import { dumpName } from '../../dump/read/dump-reader.js';
import type { ShardEngine } from '../../engine/shard-engine.js';
import { DEFAULT_CONNECT_TIMEOUT_MS } from '../../limits.js';
import { Probe } from '../../replication/link/probe.js';
import { parseAddress } from '../../transport/address.js';
import type { Transport } from '../../transport/connection.js';
import { parseHostPort } from '../command/values.js';
import { followLive } from '../frames/live-key-space.js';
import { readDump } from '../frames/read-dump.js';
import { isAddress } from '../watermarks/endpoint.js';

/** With what sides are opened. */
export interface SideOpening extends Seams {
  transport: Transport;
  /** The token for servers that ask for one; undefined for none. */
  token: string | undefined;
  terminal: NodeJS.WriteStream;
}

/**
 * Opens the side that a text names. A Rust primary is followed meanwhile, a file is read whole. Rejects as
 * `Probe.open`, `followLive` and `readDump`, and with `COMPARE_REFUSED`.
 */
export async function openSide(text: string, opening: SideOpening): Promise<Side> {
  if (!isAddress(text)) {
    const { store } = await readDump(text, opening);
    return storeSide(dumpName(text), new StoreAnswers(() => inProcess(store)));
  }
  const name = parseHostPort(text);
  const address = parseAddress(name);
  const probe = await Probe.open(address, { ...opening, connectTimeoutMs: DEFAULT_CONNECT_TIMEOUT_MS });
  try {
    if (probe.isOurs) return serverSide(name, probe, opening.timers);
  } catch (error) {
    probe.close();
    throw error;
  }
  probe.close();
  const live = await followLive(address, opening);
  const answers = new StoreAnswers(() => inProcess(live.store));
  return { ...storeSide(name, answers, () => live.stop()), isServer: true };
}

/** A store of this process has no history that sequences of a server could be compared in. */
function inProcess(engine: ShardEngine) {
  const publishesNot = 'It is no primary of fastcache.';
  return { engine, isPrimary: false, history: undefined, publishesNot };
}
