/**
 * The entry of the command line. oclif prints errors of its own as they come: here they are escaped before it
 * does, and the words of a command that there is not are answered as every other mistake is.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { CLIError } from '@oclif/core/errors';
import { flush } from '@oclif/core/flush';
import { handle } from '@oclif/core/handle';
import type { LoadOptions } from '@oclif/core/interfaces';
import { run } from '@oclif/core/run';
import { settings } from '@oclif/core/settings';
import { chalkStderr } from 'chalk';
import { toJson } from '../terminal/json.js';
import { errorJson, errorText, escapeLines, exitStatus } from './error-rendering.js';
import { environmentName } from './flags.js';

// Where NODE_ENV is `test` or `development` oclif would load a transpiler for the sources of a checkout. The
// compiled commands are run, and bin/dev.js has a transpiler of its own.
settings.enableAutoTranspile = false;

/** The message of oclif for an unknown command. */
const NOT_FOUND = /^[Cc]ommand .* not found/s;

/** Runs the command that the process' arguments name, and ends the process with its exit status. */
export async function runCommandLine(load: LoadOptions): Promise<void> {
  const argv = process.argv.slice(2);
  try {
    await run(argv, load);
    // It is not waited for: a reader of stdout that has gone never takes the rest.
    flush().catch(() => {});
  } catch (error) {
    if (error instanceof CLIError && NOT_FOUND.test(error.message)) return refuse(argv);
    if (error instanceof Error) error.message = escapeLines(error.message);
    await handle(error as Error);
  }
}

async function refuse(argv: readonly string[]): Promise<void> {
  // The package is found by its name, from the sources and from the bundled files alike.
  const root = dirname(createRequire(import.meta.url).resolve('fastcache/package.json'));
  const manifest = JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8')) as {
    commands: Record<string, unknown>;
  };
  const commands = Object.keys(manifest.commands).map((id) => id.replaceAll(':', ' '));
  const { unknownCommand } = await import('./unknown-command.js');
  const error = unknownCommand(argv, commands);
  const isJson = argv.includes('--json') || process.env[environmentName('json')] !== undefined;
  if (isJson) process.stdout.write(`${toJson(errorJson(error))}\n`);
  else process.stderr.write(`${chalkStderr.red('Error:')} ${errorText(error)}\n`);
  process.exitCode = exitStatus(error);
}
