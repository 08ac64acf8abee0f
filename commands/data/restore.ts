import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/command/base-command.js';
import { modeOf, valueFlag, withEnvironment } from '../../src/cli/command/flags.js';
import { parseTime } from '../../src/cli/command/values.js';
import { runRestore } from '../../src/cli/data/restore.js';
import { outputFlags } from '../../src/cli/frames/flags.js';

/** The command `data restore`. */
export default class DataRestore extends BaseCommand {
  static override summary = 'Write what a data directory had at a time to a dump.';

  static override description =
    'The dump is one snapshot, with which primary start --load begins. Without --at it is what the directory ' +
    'has now. Nothing in the directory is changed.\n\n' +
    'The dump is written beside its place and renamed when it is whole. Memory is that of the keys and values.\n\n' +
    'Exit status: 65 for damage that lies before that time, 66 when there is no such directory, 2 when the ' +
    'directory does not reach back so far, or the output is there already (--force overwrites it).';

  static override examples = [
    {
      description: 'As it was at noon',
      command: '<%= config.bin %> <%= command.id %> data --at 2026-11-29T12:00 -o noon.fcrp',
    },
  ];

  static override args = {
    directory: Args.string({ description: 'A data directory.', required: true, ignoreStdin: true }),
  };

  static override flags = withEnvironment({
    at: valueFlag({
      summary: 'The time: Unix ms, or ISO 8601 (UTC where it names no zone).',
      helpValue: '<time>',
      parse: parseTime,
    }),
    ...outputFlags(),
  });

  async run(): Promise<void> {
    const { args, flags } = await this.parse(DataRestore);
    await runRestore({
      directory: args.directory,
      atMs: flags.at,
      target: flags.output,
      force: flags.force,
      mode: modeOf(flags.mode),
      encoding: {},
      ...this.surroundings,
      note: (text) => this.note(text),
    });
  }
}
