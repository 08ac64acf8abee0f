/**
 * The tests that redis-py's authors wrote, from the sources of its package: fetched once, with what runs
 * them, into a directory beside the installed modules, and run against a Redis port.
 */
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { OptionalPeer } from './optional-peers.js';
import { repositoryRoot } from './processes.js';

const run = promisify(execFile);

const LISTS = join(repositoryRoot, 'test/interop/redis-py');
const SOURCES = 'redis-5.0.8';
const OUTPUT_BYTES = 64 * 1024 * 1024;

export const python: OptionalPeer = {
  name: 'python3 with venv',
  isThere: canMakeEnvironments(),
  remedy: 'apt-get install python3 python3-venv',
};

/** Which tests are run, and which are not for what reason: every test of the files that they are in. */
export interface TestList {
  run: string[];
  skip: Record<string, string[]>;
}

export function testList(): TestList {
  return JSON.parse(readFileSync(join(LISTS, 'tests.json'), 'utf8')) as TestList;
}

export interface TestReport {
  passed: number;
  /** Failed or skipped, with the first line of why. */
  others: string[];
}

export class RedisPyTests {
  /** Holds `venv` and the sources. */
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Throws when they are not here yet and the packages cannot be had. */
  static async prepare(): Promise<RedisPyTests> {
    const lists = ['tools.txt', 'sources.txt'].map((name) => readFileSync(join(LISTS, name)));
    const version = execFileSync('python3', ['-c', 'import sys; print(sys.version, sys.executable)']);
    const digest = createHash('sha256')
      .update(Buffer.concat([...lists, version]))
      .digest('hex');
    const parent = join(repositoryRoot, 'node_modules/.cache');
    const directory = join(parent, `fastcache-redis-py-${digest.slice(0, 16)}`);
    if (!existsSync(directory)) {
      mkdirSync(parent, { recursive: true });
      await makeDirectory(parent, directory);
    }
    return new RedisPyTests(directory);
  }

  /** Runs these tests, by pytest's names, against a server. */
  async run(port: number, protocol: 2 | 3, tests: readonly string[]): Promise<TestReport> {
    const scratch = mkdtempSync(join(tmpdir(), 'fastcache-redis-py-'));
    const report = join(scratch, 'report.xml');
    try {
      // It also fails when a test does, which the report tells.
      const output = await this.#pytest(
        port,
        '--protocol',
        String(protocol),
        `--junitxml=${report}`,
        ...tests,
      ).catch(({ stdout, stderr }: { stdout: string; stderr: string }) => stdout + stderr);
      if (!existsSync(report)) throw new Error(output);
      return readReport(readFileSync(report, 'utf8'));
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  }

  /** All tests of these files. */
  async collect(port: number, files: readonly string[]): Promise<string[]> {
    const output = await this.#pytest(port, '--collect-only', ...files);
    return output.split('\n').filter((line) => line.includes('::'));
  }

  /** Runs a program of test/interop/redis-py with these arguments; returns what it prints. */
  program(name: string, ...args: string[]): Promise<string> {
    return this.#python(join(LISTS, name), ...args);
  }

  /** Runs the text of a program; returns what it prints. */
  text(program: string): Promise<string> {
    return this.#python('-c', program);
  }

  #pytest(port: number, ...args: string[]): Promise<string> {
    const options = [
      '-q',
      '-p',
      'no:cacheprovider',
      '-W',
      'ignore',
      '--redis-url',
      `redis://127.0.0.1:${port}/0`,
    ];
    return this.#python('-m', 'pytest', ...options, ...args);
  }

  async #python(...args: string[]): Promise<string> {
    const sources = join(this.#directory, SOURCES);
    const { stdout } = await run(join(this.#directory, 'venv/bin/python'), args, {
      cwd: sources,
      maxBuffer: OUTPUT_BYTES,
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', PYTHONPATH: sources },
    });
    return stdout;
  }
}

function canMakeEnvironments(): boolean {
  try {
    execFileSync('python3', ['-c', 'import venv, ensurepip'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/**
 * Built under another name and renamed when it is whole; of two that build at once the second throws its own
 * away.
 */
async function makeDirectory(parent: string, directory: string): Promise<void> {
  const building = mkdtempSync(join(parent, 'fastcache-redis-py-new-'));
  try {
    const interpreter = join(building, 'venv/bin/python');
    const pip = (command: string, list: string, ...args: string[]) =>
      run(interpreter, ['-m', 'pip', '-q', command, '--require-hashes', '-r', join(LISTS, list), ...args]);
    await run('python3', ['-m', 'venv', join(building, 'venv')]);
    await pip('install', 'tools.txt', '--no-deps', '--only-binary', ':all:');
    await pip(
      'download',
      'sources.txt',
      '--no-deps',
      '--no-binary',
      ':all:',
      '--no-build-isolation',
      '-d',
      building,
    );
    await run(interpreter, ['-m', 'tarfile', '-e', join(building, `${SOURCES}.tar.gz`), building]);
    renameSync(building, directory);
  } catch (error) {
    rmSync(building, { recursive: true, force: true });
    if (!existsSync(directory)) throw error;
  }
}

/** JUnit's XML as pytest writes it. */
function readReport(xml: string): TestReport {
  const report: TestReport = { passed: 0, others: [] };
  for (const [, attributes, body = ''] of xml.matchAll(
    /<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g,
  )) {
    const name = /(?:^| )name="([^"]*)"/.exec(attributes!)![1];
    const fault = /<(failure|error|skipped)\b[^>]*?message="([^"]*)"/.exec(body);
    if (fault) report.others.push(`${name}: ${fault[1]}: ${fault[2]!.split('&#10;')[0]}`);
    else report.passed++;
  }
  return report;
}
