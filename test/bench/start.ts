/**
 * Times the starts of commands beside that of Node itself (docs/performance.md, "Start"): each by turns, so
 * that a busy moment of the machine meets them all.
 */
import { spawn } from 'node:child_process';
import { repositoryRoot } from '../support/processes.js';
import { median } from './statistics.js';

const ROUNDS = 15;
const FREE_PORTS = ['--bind', ':0', '--listen', ':0'];

interface Start {
  name: string;
  args: readonly string[];
}

const starts: readonly Start[] = [
  { name: 'node -e 0', args: ['-e', '0'] },
  { name: '--version', args: ['bin/run.js', '--version'] },
  { name: '--help', args: ['bin/run.js', '--help'] },
  { name: 'primary start --help', args: ['bin/run.js', 'primary', 'start', '--help'] },
  { name: 'primary start, to its ready line', args: ['bin/run.js', 'primary', 'start', ...FREE_PORTS] },
];

const times = new Map<Start, number[]>(starts.map((start) => [start, []]));
for (let round = 0; round < ROUNDS; round++) {
  for (const start of starts) times.get(start)!.push(await timeMs(start));
}
const nodeMs = median(times.get(starts[0]!)!);
console.log(`Node ${process.version}, medians of ${ROUNDS}`);
for (const [{ name }, measured] of times) {
  const ms = median(measured);
  console.log(`${name.padEnd(34)} ${ms.toFixed(0).padStart(6)} ms  x${(ms / nodeMs).toFixed(2)}`);
}

/** Milliseconds until the program's first output or, where there is none, its end; a server is then ended. */
function timeMs({ args }: Start): Promise<number> {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    let tookMs: number | undefined;
    const child = spawn(process.execPath, args, {
      cwd: repositoryRoot,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout.once('data', () => {
      tookMs = performance.now() - begun;
      child.kill('SIGTERM');
    });
    child.stdout.resume();
    child.once('error', reject);
    child.once('close', () => resolve(tookMs ?? performance.now() - begun));
  });
}
