/** The rows of the options by which a server outlives its supervisor's decisions (options.ts). */
import { addresses, file, secret, text } from './option.js';
import { LARGEST_SECRET_BYTES } from './option-limits.js';

const ALL = ['primary', 'replica', 'server'] as const;

/** Each option by its name in the library. */
export const supervisionOptions = {
  /**
   * A file with the role, the primary, the history, the id and the announced address of this node, written at
   * each change of role and read at the start, where its role counts; default none.
   */
  roleFile: file({
    on: ALL,
    flag: 'role-file',
    summary:
      'Keep the role in this file across restarts: what it says counts, and not how the server is begun.',
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
