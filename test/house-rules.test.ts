/** The rules of the house (design.md, "Layout"), read off the sources themselves. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from './support/processes.js';

interface Import {
  /** Repository path of the importing file. */
  file: string;
  /** Repository path without ending, or the package's name. */
  target: string;
  typeOnly: boolean;
}

const files = [...sources('src'), ...sources('commands')];
const imports = files.flatMap(importsOf);

describe('imports', () => {
  it('are found at all', () => {
    expect(imports.length).toBeGreaterThan(200);
  });

  it('frame/ knows itself, limits and errors, and only compression.ts knows zstd', () => {
    const foreign = from('src/frame/').filter(
      ({ target }) => !target.startsWith('src/frame/') && !['src/limits', 'src/errors'].includes(target),
    );
    expect(foreign.map(show)).toEqual(['src/frame/compression.ts -> zstd-napi/binding.js']);
  });

  it('nothing but frame/compression.ts knows zstd', () => {
    const knowing = imports.filter(({ target }) => target.startsWith('zstd'));
    expect(new Set(knowing.map(({ file }) => file))).toEqual(new Set(['src/frame/compression.ts']));
  });

  it('kernel/ knows nothing but itself', () => {
    const foreign = from('src/kernel/').filter(({ target }) => !target.startsWith('src/kernel/'));
    expect(foreign.map(show)).toEqual([]);
  });

  it('of the kernel, others read its constants alone', () => {
    const users = imports.filter(
      ({ file, target }) => target.startsWith('src/kernel/') && !file.startsWith('src/kernel/'),
    );
    expect(new Set(users.map(({ target }) => target))).toEqual(new Set(['src/kernel/layout']));
  });

  it('replication/ is given clock, randomness, timers, transport and store: it imports their types only', () => {
    // transport/address is how addresses are written, and opens none.
    const seams = /^src\/(engine|transport\/(?!address$)|resp|cli)\/?|^src\/(clock|config|primary|replica)$/;
    const values = from('src/replication/').filter(({ target, typeOnly }) => seams.test(target) && !typeOnly);
    expect(values.map(show)).toEqual([]);
  });

  it('only transport/ and resp/server open sockets', () => {
    const users = imports.filter(({ target }) => /^node:(net|tls|http|https|http2|dgram)$/.test(target));
    const allowed = users.filter(
      ({ file, target }) =>
        file.startsWith('src/transport/') ||
        (file === 'src/resp/server.ts' && /^node:(net|tls)$/.test(target)),
    );
    expect(users).toEqual(allowed);
    expect(users.length).toBeGreaterThan(0);
  });

  it('only status/prometheus.ts knows prom-client, and is loaded by who wants metrics', () => {
    const knowing = imports.filter(({ target }) => target === 'prom-client');
    expect(knowing.map(({ file }) => file)).toEqual(['src/status/metrics/prometheus.ts']);
    expect(imports.filter(({ target }) => target === 'src/status/metrics/prometheus').map(show)).toEqual([]);
  });

  it('nothing in src/ knows the commands, and only cli/ knows itself, oclif and chalk', () => {
    const wrong = from('src/').filter(
      ({ file, target }) =>
        target.startsWith('commands/') ||
        (/^(@oclif\/|chalk|src\/cli\/)/.test(target) && !file.startsWith('src/cli/')),
    );
    expect(wrong.map(show)).toEqual([]);
  });
});

describe('the core', () => {
  const core = files.filter((file) => /^src\/(frame|replication|engine|kernel)\//.test(file));

  it('asks nobody but its seams for time, chance and timers', () => {
    const ambient =
      /\b(Date\.now|new Date|Math\.random|setTimeout|setInterval|setImmediate|performance\.|process\.)/;
    const offenders = core.filter((file) => ambient.test(withoutComments(read(file))));
    expect(offenders).toEqual([]);
  });
});

describe('files', () => {
  it('have one concern: none is longer than 400 lines', () => {
    const long = files.filter((file) => read(file).split('\n').length > 400);
    expect(long).toEqual([]);
  });

  it('of commands/ only read flags, call the core and render', () => {
    const offenders = files.filter(
      (file) => file.startsWith('commands/') && /\bfrom 'node:/.test(read(file)),
    );
    expect(offenders).toEqual([]);
  });

  it('name no registry', () => {
    const lock = read('package-lock.json');
    expect(lock).not.toMatch(/"resolved"/);
  });
});

function sources(directory: string): string[] {
  const entries = readdirSync(join(repositoryRoot, directory), { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(repositoryRoot, join(entry.parentPath, entry.name)));
}

function read(file: string): string {
  return readFileSync(join(repositoryRoot, file), 'utf8');
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
}

function importsOf(file: string): Import[] {
  const statements = read(file).matchAll(/^(?:import|export)\s+(type\s+)?([^;]*?)\s*from\s+'([^']+)';/gm);
  return Array.from(statements, ([, type, names, specifier]) => ({
    file,
    target: specifier!.startsWith('.')
      ? relative(repositoryRoot, resolve(repositoryRoot, dirname(file), specifier!)).replace(/\.(js|ts)$/, '')
      : specifier!,
    typeOnly: type !== undefined || allAreTypes(names!),
  }));
}

/** `{ type A, type B }` */
function allAreTypes(names: string): boolean {
  const listed = /^\{([\s\S]*)\}$/
    .exec(names.trim())?.[1]
    ?.split(',')
    .map((name) => name.trim());
  return listed?.filter((name) => name !== '').every((name) => name.startsWith('type ')) ?? false;
}

function from(prefix: string): Import[] {
  return imports.filter(({ file }) => file.startsWith(prefix));
}

function show({ file, target }: Import): string {
  return `${file} -> ${target}`;
}
