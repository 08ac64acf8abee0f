import { BaseCommand } from '../../src/cli/command/base-command.js';
import { modeOf, withEnvironment } from '../../src/cli/command/flags.js';
import { runCut } from '../../src/cli/frames/cut.js';
import { filterFlags, filterOf } from '../../src/cli/frames/decode-flags.js';
import { dumpArgs, makingFlags } from '../../src/cli/frames/flags.js';
import { dumpFiles } from '../../src/data/directory-dumps.js';

/** The command `frames cut`. */
export default class FramesCut extends BaseCommand {
  static override summary = 'Copy a range or a filter of dumps to a new dump.';

  static override description =
    'Copies the frames and records that frames decode shows with the same flags, of one dump after the other. ' +
    'A frame all of which is chosen is copied byte for byte. A frame of which a part is chosen is encoded again ' +
    'with that part, compressed if it was.\n\n' +
    'A snapshot is copied whole, with --key its chosen entries, or not at all: entries have neither ' +
    'sequence, time, shard nor op, so a filter on these leaves snapshots out, and so is one that never ' +
    'ends or that --limit ends in.\n\n' +
    'The new dump passes frames verify but for gaps in the sequences, which a choice among records ' +
    'leaves; they are listed.\n\n' +
    'Damage is stepped over and listed. The dump is written beside its place and renamed when it is whole: ' +
    'if the command ends before that, it leaves no file.\n\n' +
    'Exit status: 65 when a dump is damaged, 66 when there is no such file, 2 when the output is there ' +
    'already (--force overwrites it) or is one of the dumps.';

  static override examples = [
    {
      description: 'Ten minutes of a dump',
      command:
        '<%= config.bin %> <%= command.id %> --since 2025-10-09T08:50 --until 2025-10-09T09:00 ' +
        '-o cut.fcrp dump.fcrp',
    },
    {
      description: 'Some keys of two dumps, without their deletions',
      command:
        `<%= config.bin %> <%= command.id %> --key 'user:*' --op set,expire -o users.fcrp ` +
        'monday.fcrp tuesday.fcrp',
    },
    {
      description: 'Without the snapshots, the first thousand records',
      command:
        '<%= config.bin %> <%= command.id %> --kind MutationBatch --limit 1000 --output head.fcrp dump.fcrp',
    },
  ];

  static override args = dumpArgs;

  static override flags = withEnvironment({
    ...makingFlags(),
    ...filterFlags,
  });

  async run(): Promise<void> {
    const { args, flags } = await this.parse(FramesCut);
    const status = await runCut({
      files: await dumpFiles(args.file),
      target: flags.output,
      force: flags.force,
      mode: modeOf(flags.mode),
      ...filterOf(flags),
      maxFaults: flags['max-faults'],
      ...this.surroundings,
      note: (text) => this.note(text),
    });
    this.exit(status);
  }
}
