#!/usr/bin/env node
// The installed entry point: runs the compiled commands in dist/. A question about the program as a whole is
// answered without them (docs/performance.md, "Start").
import { readFileSync } from 'node:fs';
import module from 'node:module';
import { homedir } from 'node:os';
import { stripVTControlCharacters } from 'node:util';

/** The columns of dist/help.txt; a narrower terminal wants it wrapped. */
const HELP_COLUMNS = 80;

const [first, second] = process.argv.slice(2);
if (first === '--version' || first === '-v') {
  process.stdout.write(`${version()}\n`);
} else {
  const isHelp = first === undefined || ((first === '--help' || first === '-h') && second === undefined);
  const help = isHelp ? preparedHelp() : undefined;
  if (help === undefined) await runCommand();
  else process.stdout.write(help);
}

async function runCommand() {
  // oclif would ask for the shell of the user, and fail where the system does not know that one (containers).
  process.env.SHELL ??= '';
  // Compiled code is kept in the user's own directory: a file in /tmp may be another user's.
  const caches = process.env.XDG_CACHE_HOME || `${homedir()}/.cache`;
  module.enableCompileCache?.(process.env.NODE_COMPILE_CACHE || `${caches}/fastcache`);
  // oclif's help takes up to two columns more than it is given.
  if (process.stdout.isTTY)
    process.env.OCLIF_COLUMNS ??= String((process.stdout.columns || HELP_COLUMNS) - 2);
  // chalk does not know NO_COLOR by itself; this must stand before it is imported.
  if (process.env.NO_COLOR) process.env.FORCE_COLOR = '0';
  const { runCommandLine } = await import('../dist/src/cli/command/entry.js');
  await runCommandLine(import.meta.url);
}

function version() {
  const { name, version: number } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url)));
  return `${name}/${number} ${process.platform}-${process.arch} node-${process.version}`;
}

/** The help as the build has written it; undefined where oclif has to write it for this terminal. */
function preparedHelp() {
  const { stdout, env } = process;
  if (env.FORCE_COLOR !== undefined || (stdout.isTTY && stdout.columns < HELP_COLUMNS)) return undefined;
  try {
    const help = readFileSync(new URL('../dist/help.txt', import.meta.url), 'utf8');
    const text = help.replace('<version>', version());
    return stdout.isTTY && stdout.hasColors() ? text : stripVTControlCharacters(text);
  } catch {
    // The build has been done in part.
    return undefined;
  }
}
