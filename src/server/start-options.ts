/** The rows of the options that say what a server starts with (options.ts). */
import type { SequenceBase } from '../replication/history.js';
import { dataOptions } from './data-options.js';
import { address, addresses, boolean, choice, count, file } from './option.js';

/** The beginnings by which a server may lead. */
const TO_LEAD = ['primary', 'server'] as const;

/** Each option by its name in the library. */
export const startOptions = {
  ...dataOptions,
  /** The primary that is followed from the start on, `host:port`; default: the server begins as a primary. */
  replicaOf: address({
    on: ['server'],
    flag: 'replicaof',
    summary: 'Begin as a replica of this primary.',
    neededBy: [],
  }),
  /** Where sequences start: past the clock, so that a restart is noticed, or at 1; default `clock`. */
  sequenceBase: choice<SequenceBase, (typeof TO_LEAD)[number]>({
    on: TO_LEAD,
    flag: 'sequence-base',
    summary: 'Sequences start past the clock, so that a restart is noticed, or from 1.',
    choices: ['clock', 'zero'],
  }),
  /**
   * A dump or an RDB file to start from; `-` is stdin. Its content becomes that of a new history, without
   * keys that have expired.
   */
  load: file({
    on: TO_LEAD,
    flag: 'load',
    summary: 'Start with what this dump leads to, or with the strings of this RDB file; - is stdin.',
    isWritten: false,
  }),
  /** The database of an RDB file that is loaded, from 0 to 2147483647; default 0. */
  loadDatabase: count({
    on: TO_LEAD,
    flag: 'load-database',
    summary: 'Of an RDB file, load the keys of this database.',
    default: 0,
    max: 2 ** 31 - 1,
  }),
  /** Whether keys in other databases of an RDB file are left out; default false: the start fails. */
  skipOtherDatabases: boolean({
    on: TO_LEAD,
    flag: 'skip-other-databases',
    summary: 'Of an RDB file, leave out keys in other databases, instead of refusing it.',
    default: false,
  }),
  /** Whether keys of other types in an RDB file are left out; default false: the start fails. */
  skipOtherTypes: boolean({
    on: TO_LEAD,
    flag: 'skip-other-types',
    summary: 'Of an RDB file, leave out lists, hashes and other types, instead of refusing it.',
    default: false,
  }),
  /**
   * Nodes, `host:port` each, that have the content which this primary has lost: it begins with that of the
   * furthest of them, in a history that continues theirs. Default: none, it begins without content.
   */
  recover: addresses({
    on: TO_LEAD,
    flag: 'recover',
    summary: 'Before serving, take back the content from the furthest of these replicas, and continue it.',
  }),
  /** Whether to follow a node of `recover` that is a primary already; default false: the start fails. */
  recoverOrFollow: boolean({
    on: TO_LEAD,
    flag: 'recover-or-follow',
    summary: 'With --recover: if one of them is a primary already, follow it.',
    default: false,
  }),
  /**
   * Whether replicas are to give up other histories that they hold for this node's, since it is meant to
   * start over; default false. With `recover` this counts if there is nothing to recover.
   */
  freshHistory: boolean({
    on: TO_LEAD,
    flag: 'fresh',
    summary: 'Start over on purpose: replicas that hold other content give it up for what is here.',
    default: false,
    config: { names: ['fresh-history'], change: 'settable' },
  }),
};
