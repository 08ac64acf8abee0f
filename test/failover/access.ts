/** How everybody in a cluster reaches everybody else: in the clear, or by TLS with a password. */
import { createSecureContext } from 'node:tls';
import { RespClient } from '../support/resp-client.js';
import { pemOf, tlsFile } from '../support/tls.js';

/** One way of access: the connections and the options of servers, Sentinels and clients. */
export interface Access {
  /** Opens a connection of a client. Throws when nobody listens. */
  connect(port: number): Promise<RespClient>;
  /** Options of a server of ours that listens on that port. */
  fastcacheFlags(port: number): string[];
  /** Its environment; `asks`: it asks Sentinels at its start. */
  fastcacheEnv(asks: boolean): Readonly<Record<string, string>>;
  /** Options of a redis-server that listens on that port. */
  redisFlags(port: number): string[];
  /** Lines of the configuration of a Sentinel that listens on that port and watches the primary `name`. */
  sentinelLines(port: number, name: string): string[];
}

/** Without TLS and passwords. */
export const inTheClear: Access = {
  connect: (port) => RespClient.connect(`127.0.0.1:${port}`),
  fastcacheFlags: (port) => ['--listen', `127.0.0.1:${port}`],
  fastcacheEnv: () => ({}),
  redisFlags: (port) => ['--port', String(port)],
  sentinelLines: (port) => [`port ${port}`],
};

const PASSWORD = 'a-password-of-some-length';
/** Made once: writers that look for the primary open many connections. */
const SECURE_CONTEXT = createSecureContext(pemOf('client', 'ca'));
const FILES = { cert: tlsFile('server.crt'), key: tlsFile('server.key'), ca: tlsFile('ca.crt') };

/** No port is plain, everybody presents a certificate and a password, Sentinels too. */
export const byTls: Access = {
  async connect(port) {
    const client = await RespClient.connectTls(`127.0.0.1:${port}`, { secureContext: SECURE_CONTEXT });
    const reply = await client.command('AUTH', PASSWORD);
    if (reply !== '+OK') throw new Error(`AUTH is answered ${reply}`);
    return client;
  },
  fastcacheFlags: (port) => [
    ...['--no-listen', '--listen-tls', `127.0.0.1:${port}`, '--tls'],
    ...['--tls-cert', FILES.cert, '--tls-key', FILES.key, '--tls-ca', FILES.ca],
  ],
  fastcacheEnv: (asks) => ({
    FASTCACHE_PASSWORD: PASSWORD,
    ...(asks ? { FASTCACHE_SENTINEL_PASSWORD: PASSWORD } : {}),
  }),
  redisFlags: (port) => [
    ...['--port', '0', '--tls-port', String(port), '--tls-replication', 'yes'],
    ...['--tls-cert-file', FILES.cert, '--tls-key-file', FILES.key, '--tls-ca-cert-file', FILES.ca],
    ...['--requirepass', PASSWORD, '--masterauth', PASSWORD],
  ],
  sentinelLines: (port, name) => [
    ...['port 0', `tls-port ${port}`, 'tls-replication yes'],
    ...[`tls-cert-file ${FILES.cert}`, `tls-key-file ${FILES.key}`, `tls-ca-cert-file ${FILES.ca}`],
    ...[`requirepass ${PASSWORD}`, `sentinel auth-pass ${name} ${PASSWORD}`],
  ],
};
