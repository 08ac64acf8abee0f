import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/command/base-command.js';
import { withEnvironment } from '../../src/cli/command/flags.js';
import { runList } from '../../src/cli/data/list.js';

/** The command `data ls`. */
export default class DataLs extends BaseCommand {
  static override summary = 'List the files of a data directory, and the moments that it can be restored to.';

  static override description =
    'Lists the segments, with the times of their records, and the bases, each before the segment from which on ' +
    'records are applied to it. Nothing is changed: a server may have the directory.\n\n' +
    'With --json: one document, {"directory":…,"isClean":…,"segments":[…],"bases":[…],"restorable":[{"fromMs":…,' +
    '"toMs":…,"segments":[1,3],"histories":[…]}]}.\n\nExit status: 66 when there is no such directory, 1 when its manifest is damaged.';

  static override examples = [
    { description: 'List the bases and segments', command: '<%= config.bin %> <%= command.id %> data' },
  ];

  static override args = {
    directory: Args.string({ description: 'A data directory.', required: true, ignoreStdin: true }),
  };

  static override flags = withEnvironment({});

  async run(): Promise<void> {
    const { args } = await this.parse(DataLs);
    await runList({ directory: args.directory, json: this.jsonEnabled(), output: this.output });
  }
}
