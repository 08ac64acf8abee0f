/**
 * Plants the bugs of bugs.ts one at a time in a scratch copy of the working tree and reports which test
 * caught each:
 *
 *     npm run planted-bugs [-- [--quick] [--maxWorkers=N] [WORDS…]]
 *
 * for bugs whose name has one of the words. Prints the table that docs/reliability.md holds ("Planted bugs")
 * on stdout and progress on stderr. Exits 1 when a bug is not caught. With `--quick` it takes the checkout's
 * build as it is, and runs no tests but those that a bug names.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { repositoryRoot } from '../support/processes.js';
import { bugs } from './bugs.js';
import { type PlantedBug, plant } from './planted-bug.js';

/** A run of tests that hangs has noticed the bug too. */
const RUN_TIMEOUT_MS = 15 * 60_000;
/** A compiler may notice before any test does; that counts as caught. */
const BUILD = 'the build';
/** These run the compiled sources; all others run the sources themselves. */
const PROCESS_TESTS = /^test\/(commands|cli)\//;
/** Their places are not there in a tree with a bug, so that this folder's test would catch everything. */
const NOT_COPIED = /^test\/planted-bugs\//;

const words = process.argv.slice(2);
const isQuick = words.includes('--quick');
const workers = words.filter((word) => word.startsWith('--maxWorkers='));
const names = words.filter((word) => !word.startsWith('--'));
const chosen = bugs.filter(({ name }) => names.length === 0 || names.some((word) => name.includes(word)));
const scratch = mkdtempSync(join(tmpdir(), 'fastcache-planted-'));
const dist = join(scratch, 'dist');
/** The build of the tree without any bug. */
const soundDist = join(scratch, 'sound-dist');
try {
  prepare();
  process.stdout.write('| bug | file | caught by |\n| --- | --- | --- |\n');
  const catchers = chosen.map((bug, index) => {
    process.stderr.write(`${index + 1} of ${chosen.length}: ${bug.name}\n`);
    const catcher = withBug(bug, () => catcherOf(bug));
    process.stdout.write(`| ${bug.name} | \`${bug.file}\` | ${catcher ?? '**nothing**'} |\n`);
    return catcher;
  });
  const caught = catchers.filter((catcher) => catcher !== undefined);
  process.stdout.write(`\n${caught.length} of ${chosen.length} caught.\n`);
  checkSound(caught);
  process.exitCode = caught.length === chosen.length ? 0 : 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** Throws when the tree does not build without any bug. */
function prepare(): void {
  copyTree();
  const built = join(repositoryRoot, 'dist');
  if (existsSync(built)) cpSync(built, dist, { recursive: true });
  if (!isQuick && !build('build')) throw new Error('The tree does not build without any bug.');
  cpSync(dist, soundDist, { recursive: true });
}

/** Throws when a test that caught something fails without any bug too. */
function checkSound(catchers: readonly string[]): void {
  const files = catchers.map((catcher) => /^`(.+?)`/.exec(catcher)?.[1]).filter((file) => file !== undefined);
  if (files.length === 0) return;
  process.stderr.write('without any bug\n');
  const failure = failingTest([...new Set(files)]);
  if (failure !== undefined) throw new Error(`Without any bug there fails ${failure}.`);
}

/** All files that git tracks or would track, as they are now, with this checkout's dependencies. */
function copyTree(): void {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: repositoryRoot,
    encoding: 'utf8',
  });
  for (const file of listed.split('\0')) {
    if (file === '' || file === 'node_modules' || NOT_COPIED.test(file)) continue;
    mkdirSync(dirname(join(scratch, file)), { recursive: true });
    cpSync(join(repositoryRoot, file), join(scratch, file), { verbatimSymlinks: true });
  }
  symlinkSync(join(repositoryRoot, 'node_modules'), join(scratch, 'node_modules'));
}

function withBug<T>(bug: PlantedBug, run: () => T): T {
  const path = join(scratch, bug.file);
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, plant(text, bug));
  try {
    return run();
  } finally {
    writeFileSync(path, text);
    rmSync(dist, { recursive: true, force: true });
    cpSync(soundDist, dist, { recursive: true });
  }
}

/** The first test that fails, of those that ought to and then of all; undefined: none. */
function catcherOf({ file, tests }: PlantedBug): string | undefined {
  if (file.startsWith('src/kernel/') && !build('build:kernel')) return BUILD;
  if (tests.some((test) => PROCESS_TESTS.test(test)) && !build('build:ts')) return BUILD;
  const catcher = failingTest(tests);
  if (catcher !== undefined || isQuick) return catcher;
  return build('build:ts') ? failingTest([]) : BUILD;
}

function build(script: 'build' | 'build:kernel' | 'build:ts'): boolean {
  return spawnSync('npm', ['run', script, '--silent'], { cwd: scratch, stdio: 'ignore' }).status === 0;
}

/** Of these files, or of the whole core suite when there are none. */
function failingTest(tests: readonly string[]): string | undefined {
  const report = join(scratch, 'planted-report.json');
  rmSync(report, { force: true });
  const reporters = ['--reporter=json', `--outputFile=${report}`];
  const vitest = join('node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--project', 'core', '--bail', '1', ...workers, ...reporters, ...tests];
  const { status, signal } = spawnSync(process.execPath, args, {
    cwd: scratch,
    stdio: 'ignore',
    timeout: RUN_TIMEOUT_MS,
  });
  if (signal !== null) return 'a run of tests that never ended';
  if (status === 0) return undefined;
  return existsSync(report) ? firstFailureIn(report) : 'a run of tests that broke off';
}

function firstFailureIn(report: string): string {
  interface Report {
    testResults: { name: string; assertionResults: { status: string; fullName: string }[]; status: string }[];
  }
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report;
  for (const { name, assertionResults, status } of testResults) {
    const failed = assertionResults.find((result) => result.status === 'failed');
    const file = `\`${relative(scratch, name)}\``;
    if (failed !== undefined) return `${file}: ${failed.fullName.trim().replaceAll('|', '\\|')}`;
    if (status === 'failed') return file;
  }
  return 'a run of tests that broke off';
}
