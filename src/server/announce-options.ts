/** The rows of the options that say what a server has others know of it (options.ts). */
import { announcedPlace, boolean, count } from './option.js';
import { LARGEST_SETTING } from './option-limits.js';

const ALL = ['primary', 'replica', 'server'] as const;

/** Each option by its name in the library. */
export const announceOptions = {
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
};
