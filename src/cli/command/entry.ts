/**
 * The entry of the command line. oclif prints errors of its own as they come, an unknown command's name among
 * them: here they are escaped before it does.
 */
import { flush } from '@oclif/core/flush';
import { handle } from '@oclif/core/handle';
import type { LoadOptions } from '@oclif/core/interfaces';
import { run } from '@oclif/core/run';
import { escapeLines } from './error-rendering.js';

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
