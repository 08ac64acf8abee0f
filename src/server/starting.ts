/** What a node starts with: nothing, a dump, or what it takes back from its replicas. */
import type { Holding } from '../replication/replica/holding.js';
import { type EngineOrigin, startingEngine } from './engines.js';
import type { Loaded } from './load.js';
import { type SecuredSeams, securedSeams } from './node-tls.js';
import { recover } from './recovery.js';
import { weakSecret } from './weak-secret.js';

/** The content of a node that starts, and what has become of its options. */
export interface Start extends Loaded {
  readonly origin: EngineOrigin & { readonly seams: SecuredSeams };
  /** What was recovered, which is in the engine; undefined: nothing. */
  readonly recovered: Holding | undefined;
  /** What an operator is to know: of secrets that could be guessed, of certificates, and of the recovery. */
  readonly notes: readonly string[];
}

/**
 * Loads or recovers what the options say, with the TLS that they say. Throws what `loadEngine` throws,
 * PRIMARY_EXISTS, RECOVERY_FAILED, TOKEN_REFUSED, and of the files of TLS NO_INPUT and TLS_UNUSABLE.
 */
export async function startingContent(plain: EngineOrigin): Promise<Start> {
  const seams = await securedSeams(plain.config, plain.seams);
  const given = { ...plain, seams };
  const { token = '', password = '' } = given.config;
  const weak = [
    weakSecret('token', Buffer.byteLength(token)),
    weakSecret('password', Buffer.byteLength(password)),
  ];
  const { holding: recovered, primary = given.config.primary, notes: ofRecovery } = await recover(given);
  const ofTls = seams.tls?.notes() ?? [];
  const notes = [...weak.filter((note) => note !== undefined), ...ofTls, ...ofRecovery];
  // Replicas are to give up what they hold for nothing but a beginning without content.
  const freshHistory = given.config.freshHistory && recovered === undefined && primary === undefined;
  const origin = { ...given, config: { ...given.config, primary, freshHistory } };
  if (recovered === undefined) return { ...(await startingEngine(origin)), origin, recovered, notes };
  return { engine: recovered.store, history: undefined, origin, recovered, notes };
}
