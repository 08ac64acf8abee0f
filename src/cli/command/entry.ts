/**
 * The entry of the command line. oclif prints errors of its own as they come, an unknown command's name among
 * them: here they are escaped before it does.
 */
import { flush } from '@oclif/core/flush';
import { handle } from '@oclif/core/handle';
import type { LoadOptions } from '@oclif/core/interfaces';
import { run } from '@oclif/core/run';
import { settings } from '@oclif/core/settings';
import { escapeLines } from './error-rendering.js';

// Where NODE_ENV is `test` or `development` oclif would load a transpiler for the sources of a checkout. The
// compiled commands are run, and bin/dev.js has a transpiler of its own.
settings.enableAutoTranspile = false;

/** Runs the command that the process' arguments name, and ends the process with its exit status. */
export async function runCommandLine(load: LoadOptions): Promise<void> {
  try {
    await run(process.argv.slice(2), load);
    // It is not waited for: a reader of stdout that has gone never takes the rest.
    flush().catch(() => {});
  } catch (error) {
    if (error instanceof Error) error.message = escapeLines(error.message);
    await handle(error as Error);
  }
}
