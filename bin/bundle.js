// Bundles the sources into dist: each file that a start loads costs it half a millisecond or more
// (docs/performance.md, "Start"). Packages stay outside. Each module is in one chunk, so that a process has it
// once, and what is imported at its first use still is. dist/chunks.json says which sources a file is made of.
// `npm run build` runs this.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');

/** The files of dist that are loaded by their name: by oclif, by programs that use the package, and by bin/. */
const ENTRIES = [
  ...commandFiles(),
  'src/index.ts',
  'src/frames/index.ts',
  'src/cli/command/entry.ts',
  'src/cli/terminal/columns.ts',
  'src/cli/terminal/size.ts',
];

/** The parts of the program of which a process loads all or nothing, by the modules that load them. */
const PARTS = {
  command: [
    'src/cli/command/entry.ts',
    'src/cli/command/base-command.ts',
    'src/cli/command/secret.ts',
    'src/cli/command/shutdown.ts',
    'src/cli/server/promotion-signal.ts',
    'src/cli/terminal/text.ts',
  ],
  dumps: [
    'src/frames/index.ts',
    'src/data/directory-dumps.ts',
    'src/data/segment-index.ts',
    'src/data/system-data-files.ts',
  ],
  server: ['src/embedded/server.ts'],
  client: ['src/redis-client/client.ts', 'src/transport/tcp.ts', 'src/files/pem-file.ts'],
  serving: ['src/cli/server/server-command.ts'],
  data: [
    'src/server/data.ts',
    'src/server/role-file.ts',
    'src/server/beginning.ts',
    'src/data/open-data.ts',
    'src/data/data-directory.ts',
    'src/data/system-data-files.ts',
  ],
};
/** Parts that are loaded behind the command line and the server, and share most with these. */
const LATE_PARTS = ['serving', 'data'];
/** The modules that each part needs from its start on; filled when the bundler knows them. */
const needed = new Map();

const bundle = await rolldown({
  cwd: root,
  input: Object.fromEntries(ENTRIES.map((file) => [file.replace(/\.ts$/, ''), file])),
  preserveEntrySignatures: 'allow-extension',
  platform: 'node',
  external: (id) => !/^[./]/.test(id),
  resolve: { extensionAlias: { '.js': ['.ts'] } },
  transform: { target: 'node20' },
});
const { output } = await bundle.generate({
  format: 'es',
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name].js',
  comments: false,
  minifyInternalExports: false,
  codeSplitting: { includeDependenciesRecursively: false, groups: [{ name: chunkOf, debugName: 'parts' }] },
});
await bundle.close();

for (const folder of ['chunks', 'commands', 'src'])
  rmSync(join(dist, folder), { recursive: true, force: true });
for (const { fileName, code } of output) {
  mkdirSync(dirname(join(dist, fileName)), { recursive: true });
  writeFileSync(join(dist, fileName), code);
}
const sources = output.map(({ fileName, moduleIds }) => [
  fileName,
  moduleIds.map((id) => relative(root, id)),
]);
writeFileSync(join(dist, 'chunks.json'), `${JSON.stringify(Object.fromEntries(sources), null, 2)}\n`);

/** Returns the files of the commands. */
function commandFiles() {
  return readdirSync(join(root, 'commands'), { recursive: true })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `commands/${file}`);
}

/**
 * Returns the chunk of a module: those that the same parts need are one. Null leaves the others to the bundler,
 * which joins those that the same entries and late imports need.
 */
function chunkOf(id, graph) {
  const { isEntry, importers } = graph.getModuleInfo(id);
  // A file that is loaded by its name alone would be an empty one that loads its chunk.
  if (isEntry && importers.length === 0) return null;
  const users = Object.keys(PARTS).filter((part) => neededBy(part, graph).has(id));
  const isEarly = users.includes('command') || users.includes('server');
  const parts = users.filter((part) => !(isEarly && LATE_PARTS.includes(part)));
  if (parts.length > 1 && parts.includes('command')) return 'common';
  // A chunk more for those that the tools for dumps need too would cost more than it spares.
  if (parts.includes('server') && parts.includes('client')) return 'server-client';
  return parts.length === 0 ? null : parts.join('-');
}

function neededBy(part, graph) {
  const known = needed.get(part);
  if (known !== undefined) return known;
  const found = new Set(PARTS[part].map((file) => join(root, file)));
  // A set is gone through with what is added meanwhile.
  for (const id of found) {
    for (const imported of graph.getModuleInfo(id)?.importedIds ?? []) found.add(imported);
  }
  needed.set(part, found);
  return found;
}
