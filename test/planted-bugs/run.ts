/**
 * Plants the bugs of bugs.ts one at a time in a scratch copy of the working tree and reports which test
 * caught each: `npm run planted-bugs [-- WORDS…]`, for bugs whose name has one of the words. Prints the table
 * that docs/reliability.md holds ("Planted bugs") on stdout and progress on stderr. Exits 1 when a bug is not
 * caught.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { repositoryRoot } from '../support/processes.js';
import { bugs } from './bugs.js';
import { type PlantedBug, plant } from './planted-bug.js';

/** A run of tests that hangs has noticed the bug too. */
const RUN_TIMEOUT_MS = 15 * 60_000;
/** A compiler or a linter may notice before any test does; that counts as caught. */
const BUILD = 'the build';

const words = process.argv.slice(2);
const chosen = bugs.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
const scratch = mkdtempSync(join(tmpdir(), 'fastcache-planted-'));
try {
  copyTree(scratch);
  process.stdout.write('| bug | file | caught by |\n| --- | --- | --- |\n');
  const escaped = chosen.filter((bug, index) => {
    process.stderr.write(`${index + 1} of ${chosen.length}: ${bug.name}\n`);
    const catcher = withBug(bug, () => catcherOf(bug));
    process.stdout.write(`| ${bug.name} | \`${bug.file}\` | ${catcher ?? '**nothing**'} |\n`);
    return catcher === undefined;
  });
  process.stdout.write(`\n${chosen.length - escaped.length} of ${chosen.length} caught.\n`);
  process.exitCode = escaped.length === 0 ? 0 : 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** All files that git tracks or would track, as they are now, with this checkout's dependencies. */
function copyTree(target: string): void {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: repositoryRoot,
    encoding: 'utf8',
  });
  for (const file of listed.split('\0').filter(Boolean)) {
    mkdirSync(dirname(join(target, file)), { recursive: true });
    cpSync(join(repositoryRoot, file), join(target, file), { verbatimSymlinks: true });
  }
  symlinkSync(join(repositoryRoot, 'node_modules'), join(target, 'node_modules'));
  if (!build()) throw new Error('The tree does not build without any bug.');
}

function withBug<T>(bug: PlantedBug, run: () => T): T {
  const path = join(scratch, bug.file);
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, plant(text, bug));
  try {
    return run();
  } finally {
    writeFileSync(path, text);
  }
}

/** The first test that fails, of those that ought to and then of all; undefined: none. */
function catcherOf({ tests }: PlantedBug): string | undefined {
  if (!build()) return BUILD;
  return failingTest(tests) ?? failingTest([]);
}

function build(): boolean {
  return spawnSync('npm', ['run', 'build', '--silent'], { cwd: scratch, stdio: 'ignore' }).status === 0;
}

function failingTest(tests: readonly string[]): string | undefined {
  const report = join(scratch, 'planted-report.json');
  rmSync(report, { force: true });
  const reporters = ['--reporter=json', `--outputFile=${report}`];
  const args = ['vitest', 'run', '--project', 'core', '--bail', '1', ...reporters, ...tests];
  const { status, signal } = spawnSync('npx', args, {
    cwd: scratch,
    stdio: 'ignore',
    timeout: RUN_TIMEOUT_MS,
  });
  if (signal !== null) return 'a run of tests that never ended';
  if (status === 0) return undefined;
  return firstFailureIn(report) ?? 'a run of tests that broke off';
}

function firstFailureIn(report: string): string | undefined {
  interface Report {
    testResults: { name: string; assertionResults: { status: string; fullName: string }[]; status: string }[];
  }
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report;
  for (const { name, assertionResults, status } of testResults) {
    const failed = assertionResults.find((result) => result.status === 'failed');
    const file = relative(scratch, name);
    if (failed !== undefined) return `\`${file}\`: ${failed.fullName.trim()}`;
    if (status === 'failed') return `\`${file}\``;
  }
  return undefined;
}
