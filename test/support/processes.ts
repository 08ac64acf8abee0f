/**
 * Real processes for the tests: ours (`bin/run.js`), the Rust peer, redis-server. Their stdout is read line
 * by line, and none outlives its test file: processes that still run are killed after the file's last test
 * and when the worker exits.
 */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/**
 * How long a process may take to say what a test waits for: below vitest's limit, so that the fault is told
 * here.
 */
const PATIENCE_MS = 50_000;

export const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url));
/** Where the programs under test are: here, or where the package is installed (interop/package/prove.ts). */
export const packageRoot = process.env.PROVED_PACKAGE ?? repositoryRoot;

const running = new Set<LineProcess>();

// The benchmarks start processes too, without vitest.
if (process.env.VITEST) {
  const { afterAll } = await import('vitest');
  afterAll(async () => {
    await Promise.all([...running].map((child) => child.kill()));
  });
}
process.on('exit', () => {
  for (const { child } of running) child.kill('SIGKILL');
});

/** A child process that is talked to in lines. Lines that nobody has taken yet wait in order. */
export class LineProcess {
  readonly child: ChildProcessWithoutNullStreams;
  readonly exited: Promise<Exit>;
  /** All that it wrote to stderr, for assertions and for the message when it fails. */
  stderr = '';
  readonly #name: string;
  readonly #lines: string[] = [];
  #partial = '';
  #exit: Exit | undefined;
  #wake: () => void = () => {};

  constructor(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#name = [command, ...args].join(' ');
    this.child = spawn(command, args, { cwd: repositoryRoot, env: { ...process.env, ...env } });
    running.add(this);
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    // A peer that was killed takes no more commands; that it is gone shows in `exited`.
    this.child.stdin.on('error', () => {});
    this.exited = new Promise((resolve) => {
      const ended = (exit: Exit) => {
        this.#exit = exit;
        running.delete(this);
        this.#wake();
        resolve(exit);
      };
      this.child.once('error', (error) => {
        this.stderr += error.message;
        ended({ code: null, signal: null });
      });
      this.child.once('close', (code, signal) => ended({ code, signal }));
    });
  }

  get pid(): number {
    return this.child.pid!;
  }

  send(line: string): void {
    this.child.stdin.write(`${line}\n`);
  }

  /**
   * The next line that `accept` takes; those before it are dropped. Throws when the process ends first, or
   * behind `patienceMs`.
   */
  async nextLine(accept: (line: string) => boolean = () => true, patienceMs = PATIENCE_MS): Promise<string> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      for (let line = this.#lines.shift(); line !== undefined; line = this.#lines.shift()) {
        if (accept(line)) return line;
      }
      if (this.#exit) throw new Error(`${this.#name} ended: ${JSON.stringify(this.#exit)}\n${this.stderr}`);
      const leftMs = deadline - performance.now();
      if (leftMs <= 0)
        throw new Error(`${this.#name} said nothing that fits in ${patienceMs} ms\n${this.stderr}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Ends it with `signal` and waits until it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Exit> {
    if (!this.#exit) this.child.kill(signal);
    return this.exited;
  }

  #take(text: string): void {
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop()!;
    this.#lines.push(...lines);
    this.#wake();
  }
}

export interface FastcacheEvent {
  event: string;
  [field: string]: unknown;
}

/**
 * `fastcache <args> --json` as a process whose stdout is NDJSON events. Give it port 0; its ready event says
 * which.
 */
export class FastcacheProcess extends LineProcess {
  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    super(process.execPath, ['bin/run.js', ...args, '--json'], env);
  }

  /** The next event of that name. */
  async event(name: string, patienceMs?: number): Promise<FastcacheEvent> {
    const isIt = (line: string) => (JSON.parse(line) as FastcacheEvent).event === name;
    return JSON.parse(await this.nextLine(isIt, patienceMs)) as FastcacheEvent;
  }
}

/**
 * Below those that the system gives to whoever connects, which could take one between two lives of a server.
 */
const FREE_PORTS = { first: 20_000, count: 12_000 };

/**
 * A port of 127.0.0.1 that is free now, for programs that cannot pick one themselves or are to have it again.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FREE_PORTS.first + Math.floor(Math.random() * FREE_PORTS.count);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

/** Whether `program` can be run: that it is on the PATH. */
export function isOnPath(program: string): boolean {
  try {
    execFileSync('/bin/sh', ['-c', 'command -v -- "$0"', program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Asks `probe` until its answer satisfies `isDone`; throws with the last answer when it never does. */
export async function eventually<T>(probe: () => T | Promise<T>, isDone: (answer: T) => boolean): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const answer = await probe();
    if (isDone(answer)) return answer;
    if (performance.now() > deadline)
      throw new Error(`still ${JSON.stringify(answer)} after ${PATIENCE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
