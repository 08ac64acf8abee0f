/** The rows of the options that matter to supervisors of servers, such as Redis Sentinel (options.ts). */
import { SERVER_NAME } from '../replication/link/server-name.js';
import { divergenceOptions } from './divergence-options.js';
import { addresses, announcedPlace, boolean, count, file, secret, text } from './option.js';
import { LARGEST_SECRET_BYTES, LARGEST_SETTING } from './option-limits.js';

const ALL = ['primary', 'replica', 'server'] as const;

/** Each option by its name in the library. */
export const supervisionOptions = {
  ...divergenceOptions,
  /**
   * The name of this server, which a replica says to its primary and by which it is shown there: a letter,
   * then up to 63 letters, digits, `.`, `_` and `-`; default none.
   */
  name: text({
    on: ALL,
    flag: 'name',
    summary: 'The name of this server in INFO, watermarks, metrics and logs of its primary.',
    helpValue: '<name>',
    pattern: SERVER_NAME,
    expected: 'a name: a letter, then up to 63 letters, digits, dots, underscores and dashes',
  }),
  /**
   * Where others are to reach this server's Redis protocol, which a replica says to its primary: `host:port`,
   * or `:port` for the address that it connects from. Default: that address, and the port of `listen`.
   */
  announce: announcedPlace({
    on: ALL,
    flag: 'announce',
    summary:
      'Where others are to reach the Redis protocol of this server, behind a proxy or a container; :port for the address that they see.',
    config: {
      names: ['replica-announce-ip', 'slave-announce-ip', 'replica-announce-port', 'slave-announce-port'],
      change: 'settable',
    },
  }),
  /**
   * The rank in which a supervisor promotes this replica, the lowest first, from 0 to 2147483647; default
   * 100. With 0 it is never promoted.
   */
  replicaPriority: count({
    on: ALL,
    flag: 'replica-priority',
    summary: 'A supervisor promotes the replica with the lowest first; 0: never this one.',
    min: 0,
    max: LARGEST_SETTING,
    default: 100,
    config: { names: ['replica-priority', 'slave-priority'], change: 'settable' },
  }),
  /** Whether a supervisor lists this replica for clients; default true. */
  isReplicaAnnounced: boolean({
    on: ALL,
    flag: 'no-replica-announced',
    isFlagNegative: true,
    summary: 'Have supervisors not list this replica for clients.',
    default: true,
    config: { names: ['replica-announced'], change: 'settable' },
  }),
  /**
   * A file with the role, the primary, the history, the id and the announced address of this node, written at
   * each change of role and read at the start, where its role counts; default none.
   */
  roleFile: file({
    on: ALL,
    flag: 'role-file',
    summary: 'Keep the role in this file across restarts: the file counts, and not how the server is begun.',
    isWritten: true,
  }),
  /** Sentinels, `host:port` each, that are asked at the start who is primary; default none. */
  sentinels: addresses({
    on: ALL,
    flag: 'sentinels',
    summary: 'Ask these Sentinels at the start who is primary, and follow it if it is another server.',
  }),
  /** The name by which the Sentinels know the primary, 1 to 256 characters without white space. */
  sentinelName: text({
    on: ALL,
    flag: 'sentinel-name',
    summary: 'The name by which the Sentinels know the primary.',
    helpValue: '<name>',
    pattern: /^[!-~]{1,256}$/,
    expected: 'a name of 1 to 256 characters, without white space',
  }),
  /** The password of the Sentinels; 1 to 4096 bytes. */
  sentinelPassword: secret({
    on: ALL,
    flag: 'sentinel-password-file',
    summary: 'The password of the Sentinels; FASTCACHE_SENTINEL_PASSWORD does the same.',
    maxBytes: LARGEST_SECRET_BYTES,
  }),
};
