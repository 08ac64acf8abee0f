/** Which modules a program loads, in its own process. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LineProcess, repositoryRoot } from './processes.js';

/** Appends the URL of each ES module, in the thread of the loader's hooks. */
const HOOKS = `
  import { appendFileSync } from 'node:fs';
  let file;
  export function initialize(data) { file = data; }
  export async function resolve(specifier, context, next) {
    const found = await next(specifier, context);
    appendFileSync(file, found.url + '\\n');
    return found;
  }`;

/** Registers the hooks, and at the exit appends the paths of the CommonJS modules. */
const PRELOAD = `
  import { appendFileSync } from 'node:fs';
  import { createRequire, register } from 'node:module';
  const file = process.env.LOADED_MODULES;
  register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(HOOKS)}), { data: file });
  const { cache } = createRequire(process.cwd() + '/package.json');
  process.on('exit', () => {
    for (const path of Object.keys(cache)) appendFileSync(file, path + '\\n');
  });`;

/**
 * Runs Node with `args` until its end, for which a server is asked when it is ready. Returns the modules
 * that it loaded, each once: a path, or node:NAME. Throws when the status is not 0.
 */
export async function loadedModules(args: readonly string[], isServer = false): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'fastcache-modules-'));
  const file = join(folder, 'modules');
  const preload = `data:text/javascript,${encodeURIComponent(PRELOAD)}`;
  const child = new LineProcess(process.execPath, ['--import', preload, ...args], { LOADED_MODULES: file });
  try {
    child.child.stdin.end();
    if (isServer) {
      await child.nextLine();
      child.child.kill('SIGTERM');
    }
    const { code } = await child.exited;
    if (code !== 0) throw new Error(`status ${code}: ${child.stderr}`);
    const urls = readFileSync(file, 'utf8').trimEnd().split('\n');
    return [...new Set(urls.map((url) => url.replace(/^file:\/\//, '')))];
  } finally {
    await child.kill();
    rmSync(folder, { recursive: true });
  }
}

const dist = join(repositoryRoot, 'dist/');

/** Returns the sources of each file that `npm run build` has bundled (bin/bundle.js). */
function readChunks(): Record<string, string[]> {
  return JSON.parse(readFileSync(`${dist}chunks.json`, 'utf8')) as Record<string, string[]>;
}

/** Returns the paths of the bundled files. */
export function builtFiles(): string[] {
  return Object.keys(readChunks()).map((file) => dist + file);
}

/** Returns the modules, with the sources of a bundled file in its place: src/… and commands/…. */
export function withSources(modules: readonly string[]): string[] {
  const chunks = readChunks();
  return modules.flatMap((module) => (module.startsWith(dist) ? chunks[module.slice(dist.length)]! : module));
}
