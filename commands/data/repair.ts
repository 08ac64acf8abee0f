import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/command/base-command.js';
import { withEnvironment } from '../../src/cli/command/flags.js';
import { parseOutputFile } from '../../src/cli/command/values.js';
import { runRepair } from '../../src/cli/data/repair.js';

/** The command `data repair`. */
export default class DataRepair extends BaseCommand {
  static override summary = 'Make a new data directory of all that is whole in a damaged one.';

  static override description =
    'Reads each segment and each base, all bytes against the index beside it, and copies the frames that lead to ' +
    'content: of each chain of segments the frames before the damage, and those behind it as far as a base was ' +
    'made there. ' +
    'A base that is damaged is left out, and an older one with its segments takes its place. Indexes are made ' +
    'anew, and so is a manifest that is damaged or missing. The damaged directory is never changed, and no ' +
    'server may have it.\n\n' +
    'Each loss is listed with its file, bytes, shard and sequences. A server that starts with the new ' +
    'directory begins a history that continues the one in it: a replica that has more than it is given a ' +
    'snapshot, so recover from such a replica instead (serve --recover) where there is one.\n\n' +
    'The directory is written beside its place and renamed when it is whole.\n\n' +
    'Exit status: 0 when nothing was lost, 65 when something was, or nothing leads to content; 66 when there is ' +
    'no such directory, 1 when a server has it, 2 when the output is there already.';

  static override examples = [
    {
      description: 'Save what can be saved, and start with it',
      command:
        '<%= config.bin %> <%= command.id %> data -o repaired; <%= config.bin %> data verify repaired && <%= config.bin %> serve --data repaired',
    },
  ];

  static override args = {
    directory: Args.string({ description: 'A data directory.', required: true, ignoreStdin: true }),
  };

  static override flags = withEnvironment({
    output: Flags.custom<string>({
      char: 'o',
      summary: 'The directory to make.',
      helpValue: '<directory>',
      required: true,
      parse: async (file) => parseOutputFile(file),
    })({ required: true }),
  });

  async run(): Promise<void> {
    const { args, flags } = await this.parse(DataRepair);
    this.exit(await runRepair({ directory: args.directory, target: flags.output, ...this.surroundings }));
  }
}
