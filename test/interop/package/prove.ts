/**
 * Proves the package on several versions of Node: packs it, installs it with each of them into an empty
 * project without the scripts of packages, and runs there the README's session, the example programs, and
 * what package.test.ts has, strict compilers among it.
 *
 *     npm run prove:package -- node /path/to/another/bin/node
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { repositoryRoot } from '../../support/processes.js';

const PROOFS = [
  'test/interop/package.test.ts',
  'test/interop/operators-day.test.ts',
  'test/docs/examples.test.ts',
];

const nodes = process.argv.slice(2);
if (nodes.length === 0)
  throw new Error('Name the nodes to prove the package on: npm run prove:package -- node …');
const scratch = mkdtempSync(join(tmpdir(), 'fastcache-prove-'));
const results: { node: string; status: number }[] = [];
try {
  npm(process.execPath, ['run', 'build:types', '--silent'], repositoryRoot);
  const pack = ['pack', '--ignore-scripts', '--pack-destination', scratch, '--silent'];
  const tarball = join(scratch, npm(process.execPath, pack, repositoryRoot).trim());
  for (const node of nodes) results.push(prove(node, tarball));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
for (const { node, status } of results) console.log(`${node}: ${status === 0 ? 'proved' : 'failed'}`);
process.exitCode = results.every(({ status }) => status === 0) ? 0 : 1;

function prove(given: string, tarball: string): { node: string; status: number } {
  const binary = execFileSync(given, ['--print', 'process.execPath'], { encoding: 'utf8' }).trim();
  const node = `node ${execFileSync(given, ['--version'], { encoding: 'utf8' }).trim()}`;
  const project = mkdtempSync(join(scratch, 'project-'));
  writeFileSync(join(project, 'package.json'), '{"type":"module","private":true}');
  npm(binary, ['install', '--ignore-scripts', '--no-audit', '--no-fund', tarball], project);
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', ...PROOFS];
  const env = { ...withNode(binary), PROVED_PACKAGE: join(project, 'node_modules/fastcache') };
  const { status } = spawnSync(binary, vitest, { cwd: repositoryRoot, env, stdio: 'inherit' });
  return { node, status: status ?? 1 };
}

/** Runs npm on this node; returns what it prints. */
function npm(node: string, args: readonly string[], cwd: string): string {
  return execFileSync('npm', args, {
    cwd,
    env: withNode(node),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** The environment in which `node` is this node. */
function withNode(node: string): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
}
