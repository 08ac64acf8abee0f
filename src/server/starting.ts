/** The start of a node: its first content (none, a dump, or content of its replicas), and its role. */

import type { OpenedData } from '../data/open-data.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import type { Beginning as HistoryBeginning } from '../replication/relay/promotion.js';
import type { Holding } from '../replication/replica/holding.js';
import type { Address } from '../transport/connection.js';
import type { Beginning } from './beginning.js';
import type { Lacking } from './catch-up.js';
import type { NodeConfig } from './config.js';
import type { LockedData } from './data.js';
import { type EngineOrigin, startingEngine } from './engines.js';
import { type Loaded, NOTHING_LOADED, type OnRead } from './load.js';
import { nodeIdOf } from './node-id.js';
import { type SecuredSeams, securedSeams } from './node-tls.js';
import type { LoadingProgress } from './opening.js';
import { type DumpBefore, findDumpBefore } from './recording.js';
import type { Recovery } from './recovery.js';
import type { NodeSeams } from './seams.js';
import { LACKS_DATA, type RoleAtStart } from './supervision.js';
import { weakSecret } from './weak-secret.js';

/** The facts about a node before its content is read. */
export interface StartingRole {
  readonly origin: EngineOrigin & { readonly seams: SecuredSeams; readonly dumpBefore: DumpBefore };
  readonly nodeId: string;
  readonly role: RoleAtStart;
  /** Whether it leads and has led before, so that it must not pass for a new primary. */
  readonly hasLed: boolean;
  /** The data directory, which is locked; undefined: there is none. */
  readonly locked: LockedData | undefined;
  /** Sentences for the operator about weak secrets, certificates and the role. */
  readonly notes: readonly string[];
}

/** The content that a node starts with, and its resulting options. */
export interface Start extends Loaded {
  readonly config: NodeConfig;
  /** The content that was recovered, or was in the data directory, and is in the engine; undefined: none. */
  readonly recovered: Holding | undefined;
  /** Its history where that goes on under its own id; otherwise undefined. */
  readonly continued: HistoryBeginning | undefined;
  /** Replicas that have more than the data directory, the furthest first. */
  readonly lacking: readonly Address[];
  /** The content that was in the data directory; undefined: there is none. */
  readonly opened: OpenedData | undefined;
  /** Whether it was primary before and has nothing of that. */
  readonly lacksData: boolean;
  /** Sentences for the operator about the content. */
  readonly notes: readonly string[];
}

/**
 * Locks the data directory, if there is one, and finds the role that the Sentinels, the role file or the
 * options say. Throws DATA_IN_USE and WRITE_FAILED of the directory, what `findDumpBefore` throws, of the
 * files of the role and the id STATE_UNUSABLE, READ_FAILED and WRITE_FAILED, and of those of TLS NO_INPUT and
 * TLS_UNUSABLE.
 */
export async function startingRole(plain: EngineOrigin): Promise<StartingRole> {
  const { config, seams } = plain;
  if (config.data === undefined) return roleBehind(plain, undefined);
  const { lockNodeData, secretOfData, withRoleFile } = await import('./data.js');
  if (config.until !== undefined) {
    // A look at the past leaves the directory to the server that has it.
    const secret = (await secretOfData(config, seams)) ?? plain.secret;
    return roleBehind({ ...plain, secret }, undefined);
  }
  const locked = await lockNodeData(config, seams);
  try {
    const secret = locked?.secret ?? plain.secret;
    return await roleBehind({ ...plain, secret, config: withRoleFile(config) }, locked);
  } catch (error) {
    await locked?.lock.release();
    throw error;
  }
}

async function roleBehind(plain: EngineOrigin, locked: LockedData | undefined): Promise<StartingRole> {
  const seams = await securedSeams(plain.config, plain.seams);
  const given = { ...plain, seams };
  const { token = '', password = '' } = given.config;
  const weak = [
    weakSecret('token', Buffer.byteLength(token)),
    weakSecret('password', Buffer.byteLength(password)),
  ];
  const dumpBefore = await findDumpBefore(given.config, given.seams.files);
  const { kept, keeper } = await roleOf(given.config, given.seams);
  const nodeId = await nodeIdOf(given.config, given.seams, kept?.nodeId);
  const { primary, announce, isUnanswered, hasLed, notes } = await beginningOf(given, kept);
  return {
    origin: { ...given, dumpBefore, config: { ...given.config, announce, primary } },
    nodeId,
    role: { kept, keeper, isUnanswered },
    hasLed,
    locked,
    notes: [...weak.filter((note) => note !== undefined), ...(seams.tls?.notes() ?? []), ...notes],
  };
}

/**
 * Reads the data directory, or loads or recovers what the options say, as long as `loading` goes on.
 * Throws what `readNodeData` and `loadEngine` throw, PRIMARY_EXISTS, RECOVERY_FAILED and TOKEN_REFUSED.
 */
export async function startingContent(
  { origin, hasLed, locked }: StartingRole,
  empty: ShardEngine,
  loading: LoadingProgress,
): Promise<Start> {
  const onRead: OnRead = (bytes, totalBytes) => loading.read(bytes, totalBytes);
  const { config: given } = origin;
  const opened = locked && (await (await import('./data.js')).readNodeData(locked, origin, onRead));
  const content = opened?.content;
  const asks = given.primary === undefined && given.recover.length > 0;
  loading.check();
  const found = asks ? await askReplicas(origin, content, loading.ended) : NOTHING_FOUND;
  const recovered = content ?? found.holding;
  const primary = given.primary ?? found.primary;
  const isEmpty = recovered === undefined && primary === undefined;
  const load = primary === undefined && content === undefined ? given.load : undefined;
  // Replicas are to give up what they hold for nothing but a beginning without content.
  const freshHistory = given.freshHistory && isEmpty;
  const config = { ...given, primary, load, freshHistory };
  // A directory in which nothing was ever written has lost nothing.
  const mayLack = opened === undefined || opened.isNew;
  const lacksData = hasLed && isEmpty && mayLack && load === undefined && !freshHistory;
  const notes = [
    ...(opened?.notes ?? []),
    ...found.notes,
    ...(content === undefined ? [] : keptNotes(given, content.store.shards)),
    ...(lacksData ? [LACKS_DATA] : []),
  ];
  const isContinued = opened?.isClean === true && primary === undefined;
  const history = isContinued ? content?.history : undefined;
  const continued = history && { history, backlog: undefined };
  const start = { config, recovered, continued, lacking: found.ahead, opened, lacksData };
  if (recovered !== undefined) {
    return { ...start, engine: recovered.store as ShardEngine, ...NOTHING_LOADED, notes };
  }
  const loaded = await startingEngine({ ...origin, config }, empty, onRead);
  return { ...start, ...loaded, notes: [...notes, ...loaded.loadNotes] };
}

/** The content that the replicas have that were asked: all of it, or the part that the directory lacks. */
type Found = Recovery & Lacking;

const NOTHING_FOUND: Found = { holding: undefined, primary: undefined, ahead: [], notes: [] };

async function askReplicas(
  origin: EngineOrigin,
  content: Holding | undefined,
  ended: Promise<never>,
): Promise<Found> {
  if (content === undefined) {
    const { recover } = await import('./recovery.js');
    return { ...NOTHING_FOUND, ...(await recover(origin, ended)) };
  }
  const { findLacking } = await import('./catch-up.js');
  return { ...NOTHING_FOUND, ...(await findLacking(origin, content)) };
}

/** Returns sentences about options that a directory with content makes void. */
function keptNotes({ data, load, shards }: NodeConfig, keptShards: number): string[] {
  const says = `${data} has content, and`;
  return [
    ...(load === undefined ? [] : [`${says} ${load} is not loaded`]),
    ...(keptShards === shards
      ? []
      : [`${says} its ${keptShards} shards: --shards ${shards} is for a new one`]),
  ];
}

/** Reads the role file. Only servers that have one load the code for it, and likewise for Sentinels. */
async function roleOf(
  config: NodeConfig,
  { files }: NodeSeams,
): Promise<Pick<RoleAtStart, 'kept' | 'keeper'>> {
  const { roleFile: file, fileMode } = config;
  if (file === undefined) return { kept: undefined, keeper: undefined };
  const { readRole, RoleKeeper } = await import('./role-file.js');
  const kept = readRole(file, files);
  return { kept, keeper: (role) => new RoleKeeper({ file, files, fileMode, kept, role }) };
}

async function beginningOf({ config, seams }: EngineOrigin, kept: RoleAtStart['kept']): Promise<Beginning> {
  const { primary, announce, sentinels } = config;
  if (kept === undefined && sentinels.length === 0) {
    return { primary, announce, hasLed: false, isUnanswered: false, notes: [] };
  }
  const { findBeginning } = await import('./beginning.js');
  return findBeginning(config, seams, kept);
}
