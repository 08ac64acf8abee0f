/** The rows of the options of the data directory (options.ts). */
import { BASE_PATTERN, KEEP_PATTERN } from '../data/retention.js';
import { MOMENT_PATTERN } from './moment.js';
import { boolean, callback, choice, file, size, text } from './option.js';

const ALL = ['primary', 'replica', 'server'] as const;
/** The beginnings by which a server may lead. */
const TO_LEAD = ['primary', 'server'] as const;

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
  /**
   * A moment of the past, Unix ms or ISO 8601: the server shows what `data` had then, and writes nothing into
   * it, so that another server may have it. `readOnly` must be given, too. Default none.
   */
  until: text({
    on: TO_LEAD,
    flag: 'until',
    summary: 'With --data and --read-only: show what the directory had at this moment, and write nothing.',
    pattern: MOMENT_PATTERN,
    expected: 'Unix milliseconds, or a time like 2026-01-31T12:30:00.000Z (UTC without a zone)',
    helpValue: '<time>',
  }),
  /** Whether clients' writes are refused with READONLY; default false. */
  readOnly: boolean({
    on: TO_LEAD,
    flag: 'read-only',
    summary: 'Refuse the writes of clients, as a replica does.',
    default: false,
  }),
  /**
   * Called while `load`, or the directory `data`, is read, with the number of bytes that have been read, and
   * that of all, which is 0 where it is not known. An error that it throws ends the start.
   */
  onLoading: callback<(bytes: number, totalBytes: number) => void, (typeof ALL)[number]>({ on: ALL }),
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
    config: { names: ['appendfsync'], change: 'settable' },
  }),
  /**
   * When the content is saved as a base: `auto`, when what was written since the last one is more than that;
   * at a size such as `1gb`; or `never`, but for SAVE, BGSAVE and content that needs one. Default `auto`.
   */
  dataBase: text({
    on: ALL,
    flag: 'data-base',
    summary:
      'With --data: when a base is made: as soon as it is worth it (auto), at so many bytes, or never.',
    pattern: BASE_PATTERN,
    expected: 'auto, never, or a size such as 512mb or 4gb',
    helpValue: '<auto|size|never>',
    default: 'auto',
    config: { names: ['data-base'], change: 'settable' },
  }),
  /**
   * How far back the directory goes: a time such as `24h` or `7d`, a size such as `200gb`, or a number of
   * bases. The newest base and what follows it is always kept. Default `bases:2`.
   */
  dataKeep: text({
    on: ALL,
    flag: 'data-keep',
    summary: 'With --data: how far back it goes: a time, a size, or a number of bases.',
    pattern: KEEP_PATTERN,
    expected: 'a time such as 24h or 7d, a size such as 200gb, or a number of bases such as bases:2',
    helpValue: '<24h|200gb|bases:n>',
    default: 'bases:2',
    config: { names: ['data-keep'], change: 'settable' },
  }),
  /**
   * The handling of writes while the directory cannot be written: they are refused with MISCONF (`refuse`),
   * the server stops (`stop`), they are refused as on a replica (`read-only`), or they are taken without
   * being kept (`continue`). Default `refuse`.
   */
  onDataFault: choice({
    on: ALL,
    flag: 'on-data-fault',
    summary: 'With --data: what becomes of writes while the disk fails; with stop, the server ends.',
    choices: ['refuse', 'stop', 'read-only', 'continue'],
    config: { names: ['on-data-fault'], change: 'settable' },
  }),
};
