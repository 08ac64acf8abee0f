/** What a node starts with: nothing, a dump, or what it takes back from its replicas; and in which role. */
import type { ShardEngine } from '../engine/shard-engine.js';
import type { Beginning as HistoryBeginning } from '../replication/relay/promotion.js';
import type { Holding } from '../replication/replica/holding.js';
import type { Beginning } from './beginning.js';
import type { NodeConfig } from './config.js';
import type { LockedData, NodeData } from './data.js';
import { type EngineOrigin, startingEngine } from './engines.js';
import { type Loaded, NOTHING_LOADED } from './load.js';
import { nodeIdOf } from './node-id.js';
import { type SecuredSeams, securedSeams } from './node-tls.js';
import { type DumpBefore, findDumpBefore } from './recording.js';
import { NOTHING_RECOVERED, recover } from './recovery.js';
import type { NodeSeams } from './seams.js';
import { LACKS_DATA, type RoleAtStart } from './supervision.js';
import { weakSecret } from './weak-secret.js';

/** The content of a node that starts, its role, and what has become of its options. */
export interface Start extends Loaded {
  readonly origin: EngineOrigin & { readonly seams: SecuredSeams; readonly dumpBefore: DumpBefore };
  readonly nodeId: string;
  readonly role: RoleAtStart;
  /** What was recovered, or was in the data directory, which is in the engine; undefined: nothing. */
  readonly recovered: Holding | undefined;
  /** Its history where that goes on under its own id; otherwise undefined. */
  readonly continued: HistoryBeginning | undefined;
  /** The data directory; undefined: there is none. */
  readonly data: NodeData | undefined;
  /** What an operator is to know: of weak secrets, of certificates, of the role and of the recovery. */
  readonly notes: readonly string[];
}

/**
 * Locks the data directory, if there is one, and begins with what is in it. Throws as `contentBehind`, and
 * DATA_IN_USE and WRITE_FAILED.
 */
export async function startingContent(plain: EngineOrigin): Promise<Start> {
  if (plain.config.data === undefined) return contentBehind(plain, undefined);
  const { lockNodeData, withRoleFile } = await import('./data.js');
  const locked = await lockNodeData(plain.config, plain.seams);
  try {
    return await contentBehind({ ...plain, config: withRoleFile(plain.config) }, locked);
  } catch (error) {
    await locked?.lock.release();
    throw error;
  }
}

/**
 * Begins in the role that the Sentinels, the role file or the options say, and loads or recovers what the
 * options say. Throws what `findDumpBefore` and `loadEngine` throw, PRIMARY_EXISTS, RECOVERY_FAILED and
 * TOKEN_REFUSED, and of the files of the role and the id STATE_UNUSABLE, READ_FAILED and WRITE_FAILED, of
 * those of TLS NO_INPUT and TLS_UNUSABLE.
 */
async function contentBehind(plain: EngineOrigin, locked: LockedData | undefined): Promise<Start> {
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
  const beginning = await beginningOf(given, kept);
  const { announce, isUnanswered } = beginning;
  const data = locked && (await (await import('./data.js')).readNodeData(locked, given));
  const content = data?.opened.content;
  const isToRecover = beginning.primary === undefined && content === undefined;
  const recovery = isToRecover ? await recover(given) : NOTHING_RECOVERED;
  const recovered = content ?? recovery.holding;
  const primary = beginning.primary ?? recovery.primary;
  const isEmpty = recovered === undefined && primary === undefined;
  const load = primary === undefined && content === undefined ? given.config.load : undefined;
  // Replicas are to give up what they hold for nothing but a beginning without content.
  const freshHistory = given.config.freshHistory && isEmpty;
  const origin = { ...given, dumpBefore, config: { ...given.config, announce, primary, load, freshHistory } };
  // A directory in which nothing was ever written has lost nothing.
  const mayLack = data === undefined || data.opened.isNew;
  const lacksData = beginning.hasLed && isEmpty && mayLack && load === undefined && !freshHistory;
  const notes = [
    ...weak.filter((note) => note !== undefined),
    ...(seams.tls?.notes() ?? []),
    ...beginning.notes,
    ...recovery.notes,
    ...(data?.opened.notes ?? []),
    ...(content === undefined ? [] : keptNotes(given.config, content.store.shards)),
    ...(lacksData ? [LACKS_DATA] : []),
  ];
  const role = { kept, keeper, lacksData, isUnanswered };
  const isContinued = data?.opened.isClean === true && primary === undefined;
  const history = isContinued ? content?.history : undefined;
  const continued = history && { history, backlog: undefined };
  const start = { origin, nodeId, recovered, continued, data, role };
  if (recovered !== undefined) {
    return { ...start, engine: recovered.store as ShardEngine, ...NOTHING_LOADED, notes };
  }
  const loaded = await startingEngine(origin);
  return { ...start, ...loaded, notes: [...notes, ...loaded.loadNotes] };
}

/** What is to be said of options that a directory with content makes void. */
function keptNotes({ data, load, recover: others, shards }: NodeConfig, keptShards: number): string[] {
  const says = `${data} has content, and`;
  return [
    ...(load === undefined ? [] : [`${says} ${load} is not loaded`]),
    ...(others.length === 0 ? [] : [`${says} nothing is taken back from replicas`]),
    ...(keptShards === shards
      ? []
      : [`${says} its ${keptShards} shards: --shards ${shards} is for a new one`]),
  ];
}

/** Reads the role file. What knows of it, and of Sentinels, is loaded by servers that have it. */
async function roleOf(
  config: NodeConfig,
  { files }: NodeSeams,
): Promise<Pick<RoleAtStart, 'kept' | 'keeper'>> {
  const { roleFile: file, fileMode } = config;
  if (file === undefined) return { kept: undefined, keeper: undefined };
  const { readRole, RoleKeeper } = await import('./role-file.js');
  const kept = readRole(file, files);
  return { kept, keeper: (role) => new RoleKeeper({ file, files, fileMode, role }) };
}

async function beginningOf({ config, seams }: EngineOrigin, kept: RoleAtStart['kept']): Promise<Beginning> {
  const { primary, announce, sentinels } = config;
  if (kept === undefined && sentinels.length === 0) {
    return { primary, announce, hasLed: false, isUnanswered: false, notes: [] };
  }
  const { findBeginning } = await import('./beginning.js');
  return findBeginning(config, seams, kept);
}
