/** The rows of the options of the data directory (options.ts). */
import { choice, file, size } from './option.js';

const ALL = ['primary', 'replica', 'server'] as const;

/** Each option by its name in the library. */
export const dataOptions = {
  /**
   * A directory in which the server keeps what it has, made where there is none; each later start goes on
   * with it. Default none: a restart begins without content.
   */
  data: file({
    on: ALL,
    flag: 'data',
    summary: 'Keep what the server has in this directory, and go on with it at each start.',
    isWritten: true,
  }),
  /** The size at which a file of the directory's journal is sealed, bytes from 1mb; default 256mb. */
  dataSegmentBytes: size({
    on: ALL,
    flag: 'data-segment',
    summary: 'With --data: the size at which a file of frames is sealed, and the next begun.',
    min: 1024 ** 2,
    default: 256 * 1024 ** 2,
  }),
  /**
   * When what is written is synced to the disk: `everysec` once a second, `always` before clients are
   * answered, `no` when the system likes. Default `everysec`.
   */
  fsync: choice({
    on: ALL,
    flag: 'fsync',
    summary: 'With --data: when writes are synced to the disk; with always, before clients are answered.',
    choices: ['everysec', 'always', 'no'],
    config: { names: ['appendfsync'], change: 'immutable' },
  }),
};
