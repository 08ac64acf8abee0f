/**
 * The package as somebody else has it: packed, and installed into an empty project without the scripts of
 * packages, so that nothing is compiled.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { withoutIsSkipped } from '../support/optional-peers.js';
import { LineProcess, repositoryRoot } from '../support/processes.js';

const run = promisify(execFile);
/** The oldest that the types are for, and the newest of each since. */
const COMPILERS = ['5.4.5', '5.9.3', '6.0.3', '7.0.2'];

const project = mkdtempSync(join(tmpdir(), 'fastcache-package-'));
afterAll(() => rmSync(project, { recursive: true, force: true }));

let fault: Error | undefined;
beforeAll(async () => {
  try {
    await run('npm', ['run', 'build:types', '--silent'], { cwd: repositoryRoot });
    const pack = ['pack', '--ignore-scripts', '--pack-destination', project, '--silent'];
    const { stdout } = await run('npm', pack, { cwd: repositoryRoot });
    writeFileSync(join(project, 'package.json'), '{"type":"module","private":true}');
    const compilers = COMPILERS.map((version) => `typescript-${version}@npm:typescript@${version}`);
    const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', `./${stdout.trim()}`];
    await run('npm', [...install, ...compilers], { cwd: project });
  } catch (error) {
    fault = error as Error;
  }
}, 600_000);

/** Throws, or skips the test, where the project could not be made. */
function needsProject(context: TestContext): void {
  if (fault !== undefined) withoutIsSkipped(context, 'the packages of npm', fault);
}

/** Runs the program of the package to its end; a failure has its output. */
const fastcache = (...args: string[]) =>
  run(process.execPath, ['node_modules/fastcache/bin/run.js', ...args], { cwd: project }).catch(
    (error: { stdout: string; stderr: string }) => error,
  );

/** The first program of a page, run in the project. */
async function runExample(page: string, behind = ''): Promise<string> {
  const text = readFileSync(join(project, 'node_modules/fastcache', page), 'utf8');
  const program = /```js\n([\s\S]*?)```/.exec(text.slice(text.indexOf(behind)))![1]!;
  writeFileSync(join(project, 'example.js'), program);
  return (await run(process.execPath, ['example.js'], { cwd: project })).stdout;
}

describe('the package in an empty project, with nothing compiled', () => {
  it('has a command that answers, and servers that converge', async (context) => {
    needsProject(context);
    const { version } = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as {
      version: string;
    };
    expect((await fastcache('--version')).stdout).toMatch(`fastcache/${version}`);
    const command = (...args: string[]) =>
      new LineProcess(process.execPath, [
        join(project, 'node_modules/fastcache/bin/run.js'),
        ...args,
        '--json',
      ]);
    const primary = command('primary', 'start', '--bind', ':0', '--listen', ':0');
    const { bind } = JSON.parse(await primary.nextLine((line) => line.includes('"ready"'))) as {
      bind: string;
    };
    const replica = command('replica', 'follow', bind, '--listen', ':0');
    await replica.nextLine((line) => line.includes('"caught-up"'));
    await Promise.all([primary.kill('SIGTERM'), replica.kill('SIGTERM')]);
  });

  it('has the programs of its pages, which run', async (context) => {
    needsProject(context);
    expect(await runExample('README.md')).toBe("ada [ 'user:1' ]\n");
    expect(await runExample('docs/embedding.md', '## Writing')).toBe('1 true false\nacknowledged by 0\n');
  });

  it('reads compressed frames with the zstd of Node, or says what is missing', async (context) => {
    needsProject(context);
    cpSync(join(repositoryRoot, 'fixtures/golden/all.fcrp'), join(project, 'dump.fcrp'));
    const { stdout, stderr } = await fastcache('frames', 'decode', '--format', 'ndjson', 'dump.fcrp');
    if ('zstdDecompressSync' in zlib) expect(stdout).toContain('"compressed":true');
    else expect(`${stdout}${stderr}`).toMatch(/ZSTD_MISSING|npm rebuild zstd-napi/);
  });

  for (const version of COMPILERS) {
    for (const module of ['nodenext', 'esnext']) {
      it(`has types for TypeScript ${version}, ${module}, strict and without others' types`, async (context) => {
        needsProject(context);
        const name = `${version}-${module}`;
        cpSync(join(repositoryRoot, 'test/interop/package/consumer.ts'), join(project, 'consumer.ts'));
        const compilerOptions = {
          noEmit: true,
          strict: true,
          exactOptionalPropertyTypes: true,
          noUncheckedIndexedAccess: true,
          skipLibCheck: false,
          types: [],
          lib: ['es2022'],
          target: 'es2022',
          module,
          moduleResolution: module === 'esnext' ? 'bundler' : module,
        };
        writeFileSync(
          join(project, `${name}.json`),
          JSON.stringify({ compilerOptions, files: ['consumer.ts'] }),
        );
        const compiler = `node_modules/typescript-${version}/bin/tsc`;
        const compiled = run(process.execPath, [compiler, '-p', `${name}.json`], { cwd: project });
        expect(await compiled.catch(({ stdout }: { stdout: string }) => ({ stdout }))).toMatchObject({
          stdout: '',
        });
      });
    }
  }
});
