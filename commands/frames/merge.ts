import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/command/base-command.js';
import { modeOf, withEnvironment } from '../../src/cli/command/flags.js';
import { makingFlags } from '../../src/cli/frames/flags.js';
import { runMerge } from '../../src/cli/frames/merge.js';
import { dumpFiles } from '../../src/data/directory-dumps.js';

/** The command `frames merge`. */
export default class FramesMerge extends BaseCommand {
  static override summary = 'Put dumps together by time.';

  static override description =
    "Copies the frames of all dumps, byte for byte, to a new one, by the time of each batch's first " +
    'record; the order within a dump is kept. A frame without a time goes with the batch that follows it in ' +
    'its dump, or with the one before when none follows. The frames of a snapshot stay together. A dump ' +
    'without any times comes first, so name a snapshot before the dump that was recorded after it.\n\n' +
    'Records that are in several dumps are in the new one several times: a replica skips records that it has ' +
    'seen, and so does frames verify. Faults that it will find all the same, such as gaps between the dumps, ' +
    'are listed.\n\n' +
    'Damage is stepped over and listed; a snapshot of which anything is lost is left out. The dump is ' +
    'written beside its place and renamed when it is whole: if the command ends before that, it leaves no ' +
    'file.\n\n' +
    'Exit status: 65 when a dump is damaged, 66 when there is no such file, 2 when the output is there ' +
    'already (--force overwrites it) or is one of the dumps, or when a dump is a pipe.';

  static override examples = [
    {
      description: 'Two recordings as one',
      command: '<%= config.bin %> <%= command.id %> -o both.fcrp monday.fcrp tuesday.fcrp',
    },
  ];

  static override args = {
    file: Args.string({ description: 'A dump.', required: true, multiple: true, ignoreStdin: true }),
  };

  static override flags = withEnvironment({
    ...makingFlags(),
  });

  async run(): Promise<void> {
    const { args, flags } = await this.parse(FramesMerge);
    const status = await runMerge({
      files: await dumpFiles(args.file),
      target: flags.output,
      force: flags.force,
      mode: modeOf(flags.mode),
      maxFaults: flags['max-faults'],
      ...this.surroundings,
    });
    this.exit(status);
  }
}
