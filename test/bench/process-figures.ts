/** The system's figures of a process: its CPU time and its memory. */
import { readFileSync } from 'node:fs';

/** Milliseconds of a tick in which Linux counts CPU time. */
const TICK_MS = 10;

/** Returns the CPU time of a process so far, user and system; undefined where there is no /proc. */
export function cpuMs(pid: number): number | undefined {
  try {
    const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ');
    const [user = 0, system = 0] = fields.split(' ').slice(11, 13).map(Number);
    return (user + system) * TICK_MS;
  } catch {
    return undefined;
  }
}

/** Returns the resident memory of a process and of those that it forked; throws where there is no /proc. */
export function residentBytes(pid: number): number {
  let bytes = kibIn(`/proc/${pid}/smaps_rollup`, /^Rss:\s+(\d+)/m) * 1024;
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    for (const child of children.filter(Boolean)) {
      // Memory that a fork shares with its parent is not counted twice.
      bytes += kibIn(`/proc/${child}/smaps_rollup`, /^Private_Dirty:\s+(\d+)/m) * 1024;
    }
  } catch {
    // It ended meanwhile.
  }
  return bytes;
}

function kibIn(path: string, pattern: RegExp): number {
  return Number(pattern.exec(readFileSync(path, 'utf8'))?.[1]);
}
