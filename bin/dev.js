#!/usr/bin/env node
// Runs the TypeScript sources (the kernel is still read from dist/kernel.wasm: `npm run build:kernel`).
const { register } = await import('tsx/esm/api');
register();
if (process.env.NO_COLOR) process.env.FORCE_COLOR = '0';
const { readFileSync } = await import('node:fs');
const { fileURLToPath } = await import('node:url');
const { Plugin, settings } = await import('@oclif/core');
const { runCommandLine } = await import('../src/cli/command/entry.ts');

const root = fileURLToPath(new URL('..', import.meta.url));
const pjson = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
pjson.oclif.commands = './commands';
// The manifest of the last build may be older than the sources.
const sources = new Plugin({ root, pjson, isRoot: true, type: 'core', ignoreManifest: true });
const help = new Plugin({ root, name: '@oclif/plugin-help', type: 'core' });
await Promise.all([sources.load(), help.load()]);
process.env.NODE_ENV = 'development';
settings.debug = true;
await runCommandLine({ root, pjson, plugins: [sources, help] });
