/** What a node starts with: nothing, a dump, or what it takes back from its replicas; and in which role. */
import type { Holding } from '../replication/replica/holding.js';
import type { Beginning } from './beginning.js';
import type { NodeConfig } from './config.js';
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
  /** What was recovered, which is in the engine; undefined: nothing. */
  readonly recovered: Holding | undefined;
  /** What an operator is to know: of weak secrets, of certificates, of the role and of the recovery. */
  readonly notes: readonly string[];
}

/**
 * Begins in the role that the Sentinels, the role file or the options say, and loads or recovers what the
 * options say. Throws what `findDumpBefore` and `loadEngine` throw, PRIMARY_EXISTS, RECOVERY_FAILED and
 * TOKEN_REFUSED, and of the files of the role and the id STATE_UNUSABLE, READ_FAILED and WRITE_FAILED, of
 * those of TLS NO_INPUT and TLS_UNUSABLE.
 */
export async function startingContent(plain: EngineOrigin): Promise<Start> {
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
  const recovery = beginning.primary === undefined ? await recover(given) : NOTHING_RECOVERED;
  const { holding: recovered } = recovery;
  const primary = beginning.primary ?? recovery.primary;
  const isEmpty = recovered === undefined && primary === undefined;
  const load = primary === undefined ? given.config.load : undefined;
  // Replicas are to give up what they hold for nothing but a beginning without content.
  const freshHistory = given.config.freshHistory && isEmpty;
  const origin = { ...given, dumpBefore, config: { ...given.config, announce, primary, load, freshHistory } };
  const lacksData = beginning.hasLed && isEmpty && load === undefined && !freshHistory;
  const notes = [
    ...weak.filter((note) => note !== undefined),
    ...(seams.tls?.notes() ?? []),
    ...beginning.notes,
    ...recovery.notes,
    ...(lacksData ? [LACKS_DATA] : []),
  ];
  const role = { kept, keeper, lacksData, isUnanswered };
  const start = { origin, nodeId, recovered, role };
  if (recovered !== undefined) return { ...start, engine: recovered.store, ...NOTHING_LOADED, notes };
  const loaded = await startingEngine(origin);
  return { ...start, ...loaded, notes: [...notes, ...loaded.loadNotes] };
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
