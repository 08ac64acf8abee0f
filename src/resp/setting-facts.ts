/**
 * The settings that CONFIG GET shows and CONFIG SET cannot change: those of Redis that tools ask for, each
 * with the value that holds here.
 */
import { HOUSEKEEPING_HZ } from '../engine/housekeeping.js';
import { Fact } from './setting.js';

/** Seconds of silence after which a client's socket sends a keep-alive probe. */
export const KEEP_ALIVE_SECONDS = 60;
/** Connections that may wait to be accepted; Node's own number. */
const LISTEN_BACKLOG = 511;

/** The server's ports, its primary, its directory, and the bytes that it keeps for replicas. */
export interface Placement {
  readonly bind: string;
  readonly port: () => number;
  readonly replicaOf?: () => string;
  /** Bytes of frames that are kept for replicas at most. */
  readonly backlogBytes?: number;
  /** The port of TLS; 0 for none. */
  readonly tlsPort?: () => number;
  /** The path of the directory in which all is kept; undefined: none. */
  readonly data?: string | undefined;
  /** Whether clients must present a certificate there. */
  readonly asksClientCertificates?: boolean;
}

/** Settings that CONFIG SET could change in Redis: it takes their present value only. */
const FIXED: Readonly<Record<string, string>> = {
  save: '',
  'stop-writes-on-bgsave-error': 'no',
  'tcp-keepalive': String(KEEP_ALIVE_SECONDS),
  'replica-read-only': 'yes',
  'slave-read-only': 'yes',
  // Replicas evict nothing.
  'replica-ignore-maxmemory': 'yes',
  'slave-ignore-maxmemory': 'yes',
  // A snapshot is sent from memory, and a replica builds it beside its content.
  'repl-diskless-sync': 'yes',
  'repl-diskless-sync-delay': '0',
  'repl-diskless-load': 'swapdb',
  'repl-disable-tcp-nodelay': 'no',
  'repl-backlog-ttl': '0',
  hz: String(HOUSEKEEPING_HZ),
  'dynamic-hz': 'no',
  activedefrag: 'no',
  'lazyfree-lazy-eviction': 'no',
  'lazyfree-lazy-expire': 'no',
  'lazyfree-lazy-server-del': 'no',
  'lazyfree-lazy-user-del': 'no',
  'lazyfree-lazy-user-flush': 'no',
  'replica-lazy-flush': 'no',
  'slave-lazy-flush': 'no',
  'maxmemory-clients': '0',
  'protected-mode': 'no',
  'tls-cluster': 'no',
  'cluster-announce-ip': '',
};

/** Settings that Redis takes at its start only. */
const IMMUTABLE: Readonly<Record<string, string>> = {
  databases: '1',
  'io-threads': '1',
  'io-threads-do-reads': 'no',
  'cluster-enabled': 'no',
  'enable-debug-command': 'no',
  'enable-module-command': 'no',
  'enable-protected-configs': 'no',
  'tcp-backlog': String(LISTEN_BACKLOG),
  unixsocket: '',
  unixsocketperm: '0',
  daemonize: 'no',
  supervised: 'no',
  pidfile: '',
  logfile: '',
  'syslog-enabled': 'no',
  aclfile: '',
  'always-show-logo': 'no',
};

/** The facts by their names. */
export function settingFacts(placement: Placement): [string, Fact][] {
  const { bind, port, replicaOf = () => '', backlogBytes = 0, tlsPort = () => 0, data } = placement;
  const fixed = (value: string | (() => string)) => new Fact(value, { isImmutableInRedis: false });
  const immutable = (value: string | (() => string)) => new Fact(value, { isImmutableInRedis: true });
  return [
    ...Object.entries(IMMUTABLE).map(([name, value]): [string, Fact] => [name, immutable(value)]),
    ...Object.entries(FIXED).map(([name, value]): [string, Fact] => [name, fixed(value)]),
    ['appendonly', fixed(data === undefined ? 'no' : 'yes')],
    ...(data === undefined ? [] : [['dir', immutable(data)] satisfies [string, Fact]]),
    ['bind', fixed(bind)],
    ['port', fixed(() => String(port()))],
    ['tls-port', fixed(() => String(tlsPort()))],
    ['tls-auth-clients', fixed(placement.asksClientCertificates === true ? 'yes' : 'no')],
    ['repl-backlog-size', fixed(String(backlogBytes))],
    ['replicaof', immutable(replicaOf)],
    ['slaveof', immutable(replicaOf)],
  ];
}
