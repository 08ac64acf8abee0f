/** Flags and arguments that the frames commands share. */
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { countFlag, modeFlag } from '../command/flags.js';
import { parseOutputFile } from '../command/values.js';

/** The arguments of a command that reads one dump or several, one after the other. */
export const dumpArgs = {
  file: Args.string({
    description: 'A dump or a data directory; - is stdin.',
    required: true,
    multiple: true,
    ignoreStdin: true,
  }),
};

/** Returns the flags of a command that writes a dump, or another output that `summary` names. */
export function outputFlags(summary = 'The dump to write.') {
  return {
    output: Flags.custom<string>({
      char: 'o',
      summary,
      helpValue: '<file>',
      required: true,
      parse: async (file) => parseOutputFile(file),
    })({ required: true }),
    force: Flags.boolean({ summary: 'Overwrite the output.' }),
    mode: modeFlag(),
  };
}

/** Returns the flags of a command that makes a dump of others. */
export function makingFlags() {
  return {
    ...outputFlags(),
    'max-faults': countFlag({
      summary: 'Losses of each dump, and gaps, to list; the rest is counted.',
      default: 10,
    }),
  };
}

/** Makes the flag by which nothing is compared with digests. */
export function bytesOnlyFlag() {
  return Flags.boolean({
    summary: 'Compare no content with digests, and so use little memory, however much content there is.',
  });
}
