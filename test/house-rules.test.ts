/**
 * The import rules (docs/architecture.md, "Import rules") and those of files, checked against the sources
 * themselves.
 */
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

  it('make no circle of files', () => {
    expect(circlesOf(graphOf((path) => path))).toEqual([]);
  });

  it('make no circle of folders', () => {
    // src/index.ts and src/kernel/index.ts are entries: they import all and nothing below imports them.
    const entries = ['src/index', 'src/kernel/index', 'src/frames/index'];
    expect(imports.filter(({ target }) => entries.includes(target)).map(show)).toEqual(
      imports
        .filter(({ file, target }) => entries.includes(target) && file.startsWith('commands/'))
        .map(show),
    );
    // Files beside folders of their own room are taken one by one: between them the first rule holds.
    const parents = new Set(files.map((file) => dirname(dirname(file))));
    const folderOf = (path: string) => (parents.has(dirname(path)) ? path : dirname(path));
    expect(circlesOf(graphOf(folderOf))).toEqual([]);
  });

  it('frame/ knows itself, limits and errors, and only zstd-library.ts knows zstd', () => {
    const foreign = from('src/frame/').filter(
      ({ target }) => !target.startsWith('src/frame/') && !['src/limits', 'src/errors'].includes(target),
    );
    expect(foreign.map(show)).toEqual([
      'src/frame/zstd-library.ts -> node:module',
      'src/frame/zstd-library.ts -> node:zlib',
      'src/frame/zstd-library.ts -> zstd-napi/binding.js',
    ]);
  });

  it('nothing but frame/zstd-library.ts knows zstd', () => {
    const knowing = imports.filter(({ target }) => target.startsWith('zstd'));
    expect(new Set(knowing.map(({ file }) => file))).toEqual(new Set(['src/frame/zstd-library.ts']));
    expect(knowing.every(({ typeOnly }) => typeOnly)).toBe(true);
  });

  it('kernel/ knows nothing but itself', () => {
    const foreign = from('src/kernel/').filter(({ target }) => !target.startsWith('src/kernel/'));
    expect(foreign.map(show)).toEqual([]);
  });

  it('of the kernel run from commands/ and dump/ down to memory/, never up', () => {
    const storeys = ['memory', 'table', 'store', 'payload', 'commands'];
    const storeyOf = (path: string) => storeys.indexOf(/^src\/kernel\/(\w+)\//.exec(path)?.[1] ?? '');
    const upward = from('src/kernel/').filter(
      ({ file, target }) => storeyOf(file) !== -1 && storeyOf(target) > storeyOf(file),
    );
    const ofDump = imports.filter(
      ({ file, target }) =>
        target.startsWith('src/kernel/dump/') &&
        !file.startsWith('src/kernel/dump/') &&
        file !== 'src/kernel/index.ts',
    );
    expect([...upward, ...ofDump].map(show)).toEqual([]);
  });

  it('of the kernel, others read its constants alone', () => {
    const users = imports.filter(
      ({ file, target }) => target.startsWith('src/kernel/') && !file.startsWith('src/kernel/'),
    );
    expect(new Set(users.map(({ target }) => target))).toEqual(new Set(['src/kernel/layout']));
  });

  it('replication/ is given clock, randomness, timers, transport and store: it imports their types only', () => {
    // transport/address is how addresses are written, and opens none.
    const seams =
      /^src\/(engine|files\/(?!sealed-state$)|transport\/(?!address$)|resp|cli|server|status|dump|replay)\/?|^src\/clock$/;
    const values = from('src/replication/').filter(({ target, typeOnly }) => seams.test(target) && !typeOnly);
    expect(values.map(show)).toEqual([]);
  });

  it('replication/primary and replication/replica do not know each other', () => {
    const [primary, replica] = ['src/replication/primary/', 'src/replication/replica/'];
    const wrong = [
      ...from(primary).filter(({ target }) => target.startsWith(replica)),
      ...from(replica).filter(({ target }) => target.startsWith(primary)),
    ];
    expect(wrong.map(show)).toEqual([]);
  });

  it('dump/, replay/, import/ and redis-client/ are a library: they know neither cli/, status/, server/ nor resp/', () => {
    const above = /^src\/(cli|status|server|resp)\//;
    const library = ['src/dump/', 'src/replay/', 'src/import/', 'src/redis-client/'].flatMap(from);
    const wrong = library.filter(({ target }) => above.test(target));
    expect(wrong.map(show)).toEqual([]);
  });

  it('frame-index/ is for servers and tools, and knows neither', () => {
    const below = /^(src\/(frame-index|frame|engine|files)\/|src\/(limits|errors)$|node:)/;
    const wrong = from('src/frame-index/').filter(({ target }) => !below.test(target));
    expect(wrong.map(show)).toEqual([]);
  });

  it('only server/, embedded/ and cli/ know status/', () => {
    const users = imports.filter(
      ({ file, target }) =>
        target.startsWith('src/status/') && !/^src\/(status|server|embedded|cli)\//.test(file),
    );
    expect(users.map(show)).toEqual(['src/index.ts -> src/status/lag', 'src/index.ts -> src/status/report']);
  });

  it('only server/ and commands/ name the system’s clock and TCP', () => {
    const naming = files.filter((file) => /\bsystem(Clock|Timers|Seams)\b|\btcpTransport\b/.test(read(file)));
    // src/frames is to the library of tools what server/ is to that of servers.
    const allowed = /^(src\/(server|frames)|commands)\//;
    const definitions = ['src/clock.ts', 'src/transport/tcp.ts'];
    const baseClasses = ['command/base-command', 'keys/key-command', 'server/server-command'].map(
      (name) => `src/cli/${name}.ts`,
    );
    const exempt = [...definitions, ...baseClasses];
    expect(naming.filter((file) => !allowed.test(file) && !exempt.includes(file))).toEqual([]);
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

  it('only files/msgpack.ts knows msgpackr', () => {
    const knowing = imports.filter(({ target }) => target === 'msgpackr');
    expect(knowing.map(show)).toEqual(['src/files/msgpack.ts -> msgpackr']);
    expect(knowing.every(({ typeOnly }) => typeOnly)).toBe(true);
  });

  it('only prometheus.ts knows prom-client, and is loaded only where metrics are wanted', () => {
    const module = 'src/status/metrics/prometheus';
    const knowing = imports.filter(({ target }) => target === 'prom-client');
    expect(knowing.map(({ file }) => file)).toEqual([`${module}.ts`]);
    expect(imports.filter(({ target }) => target === module).map(show)).toEqual([]);
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
  const core = files.filter((file) => /^src\/(frame|replication|engine|kernel|lua)\//.test(file));

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

  it('keep code and comments within 110 columns', () => {
    const wide = [...files, ...sources('test')].flatMap((file) =>
      read(file)
        .split('\n')
        .flatMap((line, index) => (line.length > 110 && !isLongText(line) ? [`${file}:${index + 1}`] : [])),
    );
    expect(wide).toEqual([]);
  });

  it('say of every export outside kernel/ what it is', () => {
    const silent = files
      .filter((file) => !file.startsWith('src/kernel/') && !file.startsWith('commands/'))
      .flatMap((file) => undocumentedIn(file));
    expect(silent).toEqual([]);
  });

  it('lie at the root of src only where everything uses them', () => {
    const root = readdirSync(join(repositoryRoot, 'src')).filter((name) => name.endsWith('.ts'));
    expect(root.sort()).toEqual(['clock.ts', 'errors.ts', 'index.ts', 'limits.ts']);
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

/**
 * Whether a line is one string, regular expression or paragraph of a help text, which the formatter leaves
 * alone.
 */
function isLongText(line: string): boolean {
  if (/^\s*(\/\/|\/?\*)/.test(line)) return false;
  const isRegularExpression = /^\s*\/\S.*\/[.,;]?/.test(line);
  const isParagraph = /^[A-Z][^{}=]*\.`?[,;]?$/.test(line);
  return isRegularExpression || isParagraph || /['"`]/.test(line);
}

/** Exported declarations without a docstring right above them. */
function undocumentedIn(file: string): string[] {
  const lines = read(file).split('\n');
  return lines.flatMap((line, index) => {
    const name =
      /^export (?:abstract |async |declare )*(?:class|function\*?|interface|type|const|let|enum) (\w+)/.exec(
        line,
      )?.[1];
    return name === undefined || lines[index - 1]?.trimEnd().endsWith('*/') ? [] : [`${file}: ${name}`];
  });
}

/** Returns the imports between the places that `placeOf` puts files in; nothing outside src and commands. */
function graphOf(placeOf: (path: string) => string): Map<string, Set<string>> {
  const graph = new Map<string, Set<string>>();
  for (const { file, target } of imports) {
    if (!/^(src|commands)\//.test(target)) continue;
    const [source, aim] = [placeOf(file.replace(/\.ts$/, '')), placeOf(target)];
    if (source !== aim) graph.set(source, (graph.get(source) ?? new Set()).add(aim));
  }
  return graph;
}

/** For each circle one way round it, from its first place in the order of names. */
function circlesOf(graph: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const circles = new Set<string>();
  const finished = new Set<string>();
  const visit = (place: string, path: readonly string[]) => {
    const at = path.indexOf(place);
    if (at !== -1) {
      const circle = path.slice(at);
      const first = circle.indexOf([...circle].sort()[0]!);
      circles.add([...circle.slice(first), ...circle.slice(0, first)].join(' -> '));
    } else if (!finished.has(place)) {
      for (const aim of graph.get(place) ?? []) visit(aim, [...path, place]);
      finished.add(place);
    }
  };
  for (const place of graph.keys()) visit(place, []);
  return [...circles];
}
