/** A disk of which chosen operations fail, for a process that is started: failing-disk.c, compiled here. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OptionalPeer } from '../support/optional-peers.js';
import { isOnPath } from '../support/processes.js';

const SOURCE = fileURLToPath(new URL('failing-disk.c', import.meta.url));
const ERRNO = { EIO: 5, ENOSPC: 28 } as const;

export const compiler: OptionalPeer = {
  name: 'gcc',
  isThere: process.platform === 'linux' && isOnPath('gcc'),
  remedy: 'apt-get install gcc, on Linux',
};

export interface DiskFault {
  readonly code: keyof typeof ERRNO;
  /** The number of the first operation that fails, over the life of the process, from 1; and how many do. */
  readonly at: number;
  readonly count: number;
}

/** The library that fails, and the file in which it reports that it did. */
export class FailingDisk {
  readonly #library: string;
  readonly #report: string;

  /** Compiles it into `directory`, where the report will be as well. */
  constructor(directory: string) {
    this.#library = join(directory, 'failing-disk.so');
    this.#report = join(directory, 'report');
    execFileSync('gcc', ['-O2', '-shared', '-fPIC', '-o', this.#library, SOURCE, '-ldl']);
  }

  /**
   * The environment of a process in which files below `directory` fail so. EIO is for writes, syncs and
   * renames; ENOSPC for writes, of which the first is done by half.
   */
  env(directory: string, { code, at, count }: DiskFault): Record<string, string> {
    return {
      LD_PRELOAD: this.#library,
      DISK_FAIL_UNDER: directory,
      DISK_FAIL_REPORT: this.#report,
      DISK_FAIL_AT: String(at),
      DISK_FAIL_COUNT: String(count),
      DISK_FAIL_ERRNO: String(ERRNO[code]),
      ...(code === 'ENOSPC' ? { DISK_FAIL_WRITES: '1' } : {}),
    };
  }

  /** Which operation failed first, such as `fdatasync /segment-00000001.fcrp`; undefined: none has yet. */
  get failed(): string | undefined {
    return existsSync(this.#report) ? readFileSync(this.#report, 'utf8') : undefined;
  }
}
