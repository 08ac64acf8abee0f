/**
 * CONFIG's settings of a node: they are made from its options, and changes of them take effect on its store.
 */
import { resolve } from 'node:path';
import type { ShardEngine } from '../engine/shard-engine.js';
import { FastcacheError } from '../errors.js';
import type { Log } from '../replication/log.js';
import { Settings } from '../resp/settings.js';
import type { ClientPorts } from '../transport/client-ports.js';
import type { Address } from '../transport/connection.js';
import type { NodeConfig } from './config.js';
import { configOptions } from './config-options.js';
import { asksCertificates } from './exposure.js';
import type { SecuredSeams } from './node-tls.js';
import { weakSecret } from './weak-secret.js';

/** A query buffer has room for this many of the longest values in one command, as MSET may carry them. */
const VALUES_IN_A_COMMAND = 4;
const QUERY_BUFFER_BYTES_MIN = 64 * 1024 * 1024;

/** The node that settings are made from and act on. */
export interface SettingsNode {
  readonly config: NodeConfig;
  /** The present store. */
  readonly engine: ShardEngine;
  readonly events: { readonly log: Log };
  readonly seams: Pick<SecuredSeams, 'tls'>;
  /** The primary that is followed; undefined for one that leads. */
  readonly primary: Address | undefined;
  /** Where clients are listened to; undefined: nowhere. */
  readonly clientPorts: ClientPorts | undefined;
}

/** Makes the settings that CONFIG shows and sets, which are the same in either role. */
export function createSettings(node: SettingsNode): Settings {
  const { config } = node;
  const settings = new Settings({
    options: configOptions(config),
    replicaQueueBytes: config.subscriberQueueBytes,
    backlogBytes: config.backlogBytes,
    queryBufferBytes: Math.max(QUERY_BUFFER_BYTES_MIN, VALUES_IN_A_COMMAND * config.maxValueBytes),
    bind: (config.listen ?? config.listenTls)?.host ?? '',
    port: () => node.clientPorts?.port ?? 0,
    tlsPort: () => node.clientPorts?.securePort ?? 0,
    replicaOf: () => (node.primary === undefined ? '' : `${node.primary.host} ${node.primary.port}`),
    data: config.data && config.until === undefined ? resolve(config.data) : undefined,
    asksClientCertificates: asksCertificates(config),
  });
  settings.guard({ names: Object.values(tlsFileSettings), apply: () => useTlsFiles(node, settings) });
  settings.onChange((name) => {
    if (/^(maxmemory|lfu-)/.test(name)) limitMemory(settings, node.engine);
    const warning = name === 'requirepass' ? weakSecret('password', settings.passwordBytes) : undefined;
    if (warning !== undefined) node.events.log.warn(warning);
  });
  return settings;
}

/** The settings that name the files of TLS. */
const tlsFileSettings = { cert: 'tls-cert-file', key: 'tls-key-file', ca: 'tls-ca-cert-file' } as const;

/** Uses the files of TLS that the settings name. Returns why that cannot be, in Redis' words, and logs it. */
function useTlsFiles({ seams, events }: SettingsNode, settings: Settings): string | undefined {
  const nameOf = (part: keyof typeof tlsFileSettings) =>
    String(settings.show(tlsFileSettings[part])) || undefined;
  try {
    if (seams.tls === undefined)
      throw new FastcacheError('BAD_OPTION', 'No TLS is used; it begins at the start.');
    seams.tls.use({ cert: nameOf('cert'), key: nameOf('key'), ca: nameOf('ca') });
    return undefined;
  } catch (error) {
    if (!(error instanceof FastcacheError)) throw error;
    events.log.error(`CONFIG SET changes no file of TLS. ${error.message}`);
    return 'Unable to update TLS configuration. Check server logs.';
  }
}

/** Sets a store's memory limit to that of the settings. */
export function limitMemory(settings: Settings, engine: ShardEngine): void {
  engine.limitMemory({
    maxBytes: settings.maxMemoryBytes,
    policy: settings.maxMemoryPolicy,
    samples: settings.maxMemorySamples,
    useCounting: settings.useCounting,
  });
}
