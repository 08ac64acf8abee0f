/** The rows of the options that say how content is proved to be equal (options.ts). */
import type { OnDivergence } from '../replication/replica/divergence.js';
import { boolean, choice } from './option.js';

const ALL = ['primary', 'replica', 'server'] as const;

/** Each option by its name in the library. */
export const divergenceOptions = {
  /**
   * Whether digests of the content are kept, by which replicas prove with every heartbeat that they hold the
   * same; default true.
   */
  digests: boolean({
    on: ALL,
    flag: 'digests',
    isSwitch: true,
    summary: 'Keep digests of the content, by which every heartbeat proves that replicas hold the same.',
    default: true,
  }),
  /**
   * The action of a replica whose content differs from its primary's. Default `resync`: a snapshot replaces
   * the content, and the second time within an hour the replica stops.
   */
  onDivergence: choice<OnDivergence, (typeof ALL)[number]>({
    on: ALL,
    flag: 'on-divergence',
    summary:
      'What a replica does that holds something else than its primary: take a snapshot, follow no more, or log it only.',
    choices: ['resync', 'stop', 'log'],
  }),
};
