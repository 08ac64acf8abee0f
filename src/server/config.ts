/**
 * The configuration of a server: the options that it is given, each checked and with its default
 * (docs/architecture.md, "Options").
 */
import { resolve } from 'node:path';
import { FastcacheError } from '../errors.js';
import { zstdLibrary } from '../frame/zstd-library.js';
import type { ChangeConsumer } from '../replication/outputs/changes.js';
import { parseAddress } from '../transport/address.js';
import type { Address } from '../transport/connection.js';
import { refuseForTls, refuseOutside } from './exposure.js';
import { momentMs } from './moment.js';
import type { AnyOption, Role } from './option.js';
import type {
  GivenOptions,
  OptionName,
  OptionValues,
  PrimaryOptions,
  ReplicaOptions,
  ServerOptions,
} from './option-types.js';
import { optionRows, serverOptions } from './options.js';

/** The configuration of a node: the options of every role, each checked and with its default. */
export interface NodeConfig extends Omit<OptionValues, 'changes' | 'replicaOf'> {
  /** The primary that the node follows from its start on; undefined: it starts as a primary. */
  readonly primary: Address | undefined;
  readonly changes: ChangeConsumer | undefined;
}

/** Returns the configuration of a primary. Throws BAD_OPTION, INSECURE_ADDRESS, ZSTD_MISSING. */
export function primaryConfig(options: PrimaryOptions): NodeConfig {
  return checkedOptions('primary', options);
}

/** Returns the configuration of a server. Throws BAD_OPTION, INSECURE_ADDRESS, ZSTD_MISSING. */
export function serverConfig(options: ServerOptions): NodeConfig {
  return checkedOptions('server', options);
}

/**
 * Returns the configuration of a replica of the primary at `address`. Throws BAD_OPTION, INSECURE_ADDRESS,
 * ZSTD_MISSING.
 */
export function replicaConfig(address: string, options: ReplicaOptions): NodeConfig {
  return { ...checkedOptions('replica', options), primary: parseAddress(address) };
}

/**
 * All options with their defaults, if those that are given are compatible. Refusals name options in
 * backquotes; the command line puts flags in their place. Throws BAD_OPTION, INSECURE_ADDRESS, ZSTD_MISSING.
 */
export function checkedOptions(role: Role, options: GivenOptions): NodeConfig {
  refuseUnknown(role, options);
  const values = Object.fromEntries(
    optionRows.map(([name, option]) => [name, valueOfOption(name, option, options[name], role)]),
  ) as OptionValues;
  refuseForRecord(options);
  refuseForState(options);
  refuseForRecovery(options);
  refuseForPast(options);
  refuseForSupervision(options);
  refuseForTls(values);
  refuseOutside(values);
  // A server that cannot compress ends now, and not with its first batch.
  if (values.compression === 'zstd') zstdLibrary();
  const { changes, replicaOf: primary, ...others } = values;
  return { ...others, primary, changes: typeof changes === 'function' ? { take: changes } : changes };
}

function valueOfOption(name: OptionName, option: AnyOption, given: unknown, role: Role): unknown {
  if (given !== undefined && !option.accepts(given, role)) {
    const { expected } = option;
    const message = `\`${name}\` must be ${expected}; it ${option.found(given)}.`;
    throw new FastcacheError('BAD_OPTION', message, { expected });
  }
  return (option.resolve as (given: unknown) => unknown)(given ?? option.defaultOf(role));
}

/** Refuses names that are no option's, because a misspelled one must not be ignored. */
function refuseUnknown(role: Role, options: object): void {
  if (typeof options !== 'object' || options === null) {
    throw new FastcacheError('BAD_OPTION', `The options of a ${role} are an object.`);
  }
  for (const name of Object.keys(options)) {
    const option = Object.hasOwn(serverOptions, name) ? serverOptions[name as OptionName] : undefined;
    if (option === undefined) {
      throw new FastcacheError('BAD_OPTION', `There is no option \`${name}\`.`, { found: name });
    }
    if (!option.on.some((other) => other === role)) {
      throw new FastcacheError('BAD_OPTION', `\`${name}\` is no option of a ${role}.`, { found: name });
    }
  }
}

/** Refuses two ends of the dump that is there, and one where none is recorded. */
function refuseForRecord({ record, append = false, force = false }: GivenOptions): void {
  if (append && force) {
    throw new FastcacheError('BAD_OPTION', '`append` continues a dump that `force` would replace; give one.');
  }
  for (const [name, given] of Object.entries({ append, force })) {
    if (!given || record !== undefined) continue;
    throw new FastcacheError('BAD_OPTION', `\`${name}\` is of use to \`record\`; give it, too.`);
  }
}

/** Refuses what needs content with a state: such a replica keeps how far its outputs are, and no content. */
function refuseForState(options: GivenOptions): void {
  const { state, record, changes, data } = options;
  if (state === undefined) return;
  for (const name of ['listen', 'listenTls', 'bind'] as const) {
    if ((options[name] ?? false) === false) continue;
    const message = `With \`state\` no content is kept that \`${name}\` could serve.`;
    throw new FastcacheError('BAD_OPTION', message);
  }
  if (data !== undefined) {
    throw new FastcacheError('BAD_OPTION', 'With `state` no content is kept that `data` could hold.');
  }
  if (record === undefined && changes === undefined) {
    const message = '`state` says how far `record` or `changes` are; neither is given.';
    throw new FastcacheError('BAD_OPTION', message);
  }
  if (record !== undefined && resolve(state) === resolve(record)) {
    const message = '`record` and `state` are the same file.';
    throw new FastcacheError('BAD_OPTION', message, { file: state });
  }
}

/** Refuses content from two places, and what is said of a recovery where none is asked for. */
function refuseForRecovery({ recover, recoverOrFollow, load, replicaOf = false }: GivenOptions): void {
  if (recover !== undefined && load !== undefined) {
    throw new FastcacheError('BAD_OPTION', '`recover` and `load` both say where the content is; give one.');
  }
  if (recover === undefined && recoverOrFollow === true) {
    const message = '`recoverOrFollow` needs `recover`, which says whose content to take.';
    throw new FastcacheError('BAD_OPTION', message);
  }
  if (replicaOf === false) return;
  for (const [name, given] of Object.entries({ recover, load })) {
    if (given === undefined) continue;
    const message = `\`replicaOf\` and \`${name}\` both say where the content is; give one.`;
    throw new FastcacheError('BAD_OPTION', message);
  }
}

/** Refuses a look at the past where there is no past, and with what would change it. */
function refuseForPast({ until, data, readOnly, load, recover, replicaOf = false }: GivenOptions): void {
  if (until === undefined) return;
  if (momentMs(until) === undefined) {
    throw new FastcacheError('BAD_OPTION', `\`until\` must be a time; there is no ${until}.`);
  }
  if (data === undefined) {
    throw new FastcacheError('BAD_OPTION', '`until` needs `data`, whose past is to be shown.');
  }
  if (readOnly !== true) {
    throw new FastcacheError(
      'BAD_OPTION',
      'What is past cannot be changed: with `until`, give `readOnly`, too.',
    );
  }
  for (const [name, given] of Object.entries({ load, recover, replicaOf: replicaOf || undefined })) {
    if (given === undefined) continue;
    const message = `\`until\` and \`${name}\` both say where the content is; give one.`;
    throw new FastcacheError('BAD_OPTION', message);
  }
}

/** Refuses Sentinels without the name to ask for, and a role that is to be kept where there is none. */
function refuseForSupervision({
  sentinels,
  sentinelName,
  sentinelPassword,
  roleFile,
  state,
}: GivenOptions): void {
  if (sentinels !== undefined && sentinelName === undefined) {
    const message = '`sentinels` are asked for the primary of a name; give `sentinelName`, too.';
    throw new FastcacheError('BAD_OPTION', message);
  }
  const named = Object.entries({ sentinelName, sentinelPassword }).find(([, given]) => given !== undefined);
  if (sentinels === undefined && named !== undefined) {
    throw new FastcacheError('BAD_OPTION', `\`${named[0]}\` is of use to \`sentinels\`; give them, too.`);
  }
  if (state === undefined) return;
  for (const [name, given] of Object.entries({ roleFile, sentinels })) {
    if (given === undefined) continue;
    const message = `With \`state\` no content is kept, and so there is no role for \`${name}\`.`;
    throw new FastcacheError('BAD_OPTION', message);
  }
}
