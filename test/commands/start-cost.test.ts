/** The modules that a command loads when it starts (docs/performance.md, "Start"): counted, not timed. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { builtFiles, loadedModules, withSources } from '../support/loaded-modules.js';
import { FastcacheProcess, repositoryRoot } from '../support/processes.js';
import { runCommand } from '../support/run-command.js';

const FREE_PORTS = ['--bind', ':0', '--listen', ':0'];

/** Returns the parts that the modules belong to: packages, and folders of ours. */
function partsOf(modules: readonly string[]): Set<string> {
  return new Set(
    withSources(modules).flatMap((module) => {
      const inPackage = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(module)?.[1];
      const ours = /^(?:src\/[^/]+|commands)\//.exec(module)?.[0];
      return inPackage ?? ours ?? [];
    }),
  );
}

describe('a question about the program', () => {
  it.each([['--version'], ['-v'], ['--help'], ['-h'], []])('%s loads bin/run.js alone', async (...args) => {
    const modules = await loadedModules(['bin/run.js', ...args]);
    expect(partsOf(modules)).toEqual(new Set());
    expect(modules.filter((module) => module.startsWith('/'))).toHaveLength(1);
  });

  it('is answered as oclif answers it', async () => {
    // FORCE_COLOR leaves the question to oclif.
    const { stdout: help } = await runCommand(['--help'], { env: { FORCE_COLOR: '0' } });
    expect(help).toContain('watermarks    Show how far');
    for (const args of [['--help'], ['-h'], []]) {
      expect(await runCommand(args)).toEqual({ status: 0, stdout: help, stderr: '' });
    }
    const version = /VERSION\n {2}(.*)/.exec(help)?.[1];
    for (const args of [['--version'], ['-v']]) {
      expect(await runCommand(args)).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
    }
  });

  it('about a command is taken with -h too', async () => {
    const help = await runCommand(['primary', 'start', '--help']);
    expect(help.stdout).toContain('--listen');
    expect(await runCommand(['primary', 'start', '-h'])).toEqual(help);
  });
});

describe('a primary', () => {
  it('loads zstd, msgpack, metrics, TLS, data directories, tools for dumps and the help at their use', async () => {
    const modules = await loadedModules(['bin/run.js', 'primary', 'start', ...FREE_PORTS], true);
    const unwanted = /^src\/(transport\/tls|data\/(?!retention))/;
    expect(withSources(modules).filter((module) => unwanted.test(module))).toEqual([]);
    const parts = partsOf(modules);
    expect(parts).toContain('src/server/');
    for (const unused of ['zstd-napi', 'msgpackr', 'prom-client', '@oclif/plugin-help', 'src/dump/']) {
      expect(parts).not.toContain(unused);
    }
  });

  it('loads no command but its own', async () => {
    const modules = await loadedModules(['bin/run.js', 'primary', 'start', ...FREE_PORTS], true);
    const commands = withSources(modules).filter((module) => module.startsWith('commands/'));
    expect(commands).toEqual(['commands/primary/start.ts']);
    // A file more needs a reason.
    expect(modules.length).toBeLessThan(150);
    // Nor is a file to grow by what is used later.
    expect(withSources(modules).length).toBeLessThan(490);
  });

  it('loads zstd with compression, and prom-client with metrics', async () => {
    const args = [
      'bin/run.js',
      'primary',
      'start',
      ...FREE_PORTS,
      '--metrics',
      ':0',
      '--compression',
      'zstd',
    ];
    const parts = partsOf(await loadedModules(args, true));
    expect(parts).toContain('zstd-napi');
    expect(parts).toContain('prom-client');
  });
});

describe('where the native code of zstd-napi was not compiled', () => {
  const hide = `
    import { Module } from 'node:module';
    const load = Module._load;
    Module._load = (name, ...rest) => {
      if (name.startsWith('zstd-napi')) throw new Error('not compiled');
      return load(name, ...rest);
    };`;
  const env = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(hide)}` };
  const hasNodeZstd = 'zstdCompressSync' in zlib;

  it.skipIf(hasNodeZstd)('a primary with compression does not start, and says what to do', async () => {
    const { status, stderr } = await runCommand(
      ['primary', 'start', ...FREE_PORTS, '--compression', 'zstd'],
      {
        env,
      },
    );
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/zstd-napi cannot be loaded.*npm rebuild zstd-napi.*\(ZSTD_MISSING\)/),
    });
  });

  it.runIf(hasNodeZstd)("compressed frames are read with Node's zstd", async () => {
    const args = ['frames', 'verify', 'fixtures/golden/all.fcrp'];
    expect(await runCommand(args, { env })).toEqual(await runCommand(args));
  });

  it('a primary and a replica converge without compression', async () => {
    const primary = new FastcacheProcess(['primary', 'start', ...FREE_PORTS], env);
    const { bind } = await primary.event('ready');
    const replica = new FastcacheProcess(['replica', 'follow', String(bind), '--listen', ':0'], env);
    await replica.event('caught-up');
    const exits = await Promise.all([replica.kill('SIGTERM'), primary.kill('SIGTERM')]);
    expect(exits.map(({ code }) => code)).toEqual([0, 0]);
  });
});

describe('the manifest and the help of the build', () => {
  it('are those of the commands as they are', () => {
    const folder = mkdtempSync(join(tmpdir(), 'fastcache-start-'));
    try {
      execFileSync(process.execPath, ['bin/prepare-start.js', folder], { cwd: repositoryRoot });
      const built = (file: string) => readFileSync(join(repositoryRoot, file), 'utf8');
      const made = (file: string) => readFileSync(join(folder, file), 'utf8');
      // The commands are in the order in which they were loaded, which is another one each time.
      const manifest = 'oclif.manifest.json';
      expect(JSON.parse(built(manifest))).toEqual(JSON.parse(made(manifest)));
      expect(built('dist/help.txt')).toBe(made('dist/help.txt'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

it('each source is in one file, of which a process has it once', () => {
  const sources = withSources(builtFiles());
  expect(sources.filter((source, index) => sources.indexOf(source) !== index)).toEqual([]);
});

it('the package holds what a start reads, the changelog, no source maps and nothing of an earlier build', () => {
  const listed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: repositoryRoot,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const files = (JSON.parse(listed) as [{ files: { path: string }[] }])[0].files.map(({ path }) => path);
  expect(files).toEqual(
    expect.arrayContaining([
      'bin/run.js',
      'oclif.manifest.json',
      'dist/help.txt',
      'dist/kernel.wasm',
      'CHANGELOG.md',
      'docs/api/index.md',
      'src/status/alerts.yml',
      'src/status/grafana-dashboard.json',
    ]),
  );
  expect(files.filter((file) => file.endsWith('.map'))).toEqual([]);
  const code = files.filter((file) => /^dist\/.*\.js$/.test(file));
  expect(code.map((file) => join(repositoryRoot, file)).sort()).toEqual(builtFiles().sort());
  expect(readFileSync(join(repositoryRoot, 'dist/src/index.js'), 'utf8')).not.toContain('sourceMappingURL');
});
