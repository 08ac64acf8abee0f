/** Runs `fastcache` (bin/run.js, the compiled commands) to its end. */
import { spawn } from 'node:child_process';
import { repositoryRoot } from './processes.js';

export interface CommandResult {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** Added to an environment without FASTCACHE_* and colour variables. */
  env?: Readonly<Record<string, string>>;
  /** Written to its stdin, which then ends; none: stdin is empty. */
  stdin?: Buffer;
}

export function runCommand(args: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(FASTCACHE_|NO_COLOR|FORCE_COLOR)/.test(name),
  );
  const child = spawn(process.execPath, ['bin/run.js', ...args], {
    cwd: repositoryRoot,
    env: { ...Object.fromEntries(inherited), ...options.env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // A command that refuses its arguments leaves without reading.
  child.stdin.on('error', () => {});
  child.stdin.end(options.stdin);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
}
