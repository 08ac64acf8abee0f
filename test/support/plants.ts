/** Files that are none, in the place of one: whoever opens them in good faith reads or waits for ever. */
import { execFileSync } from 'node:child_process';
import { rmSync, symlinkSync } from 'node:fs';

export function plantDevice(path: string): void {
  rmSync(path);
  symlinkSync('/dev/zero', path);
}

export function plantPipe(path: string): void {
  rmSync(path);
  execFileSync('mkfifo', [path]);
}
