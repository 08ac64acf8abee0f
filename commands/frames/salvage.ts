import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/command/base-command.js';
import { countFlag, modeFlag, modeOf, withEnvironment } from '../../src/cli/command/flags.js';
import { parseOutputFile } from '../../src/cli/command/values.js';
import { runSalvage } from '../../src/cli/frames/salvage.js';

/** The command `frames salvage`. */
export default class FramesSalvage extends BaseCommand {
  static override summary = 'Copy the whole frames of a damaged dump.';

  static override description =
    'Copies every frame that is whole to another dump and lists the losses: which bytes, why, and which ' +
    'sequences the new dump lacks. After damage it goes on at the next valid frame.\n\n' +
    'Left out are damaged frames, batches with a wrong key hash or tag, and all of a snapshot of which ' +
    'anything is lost: half a snapshot must never look whole. The new dump passes frames verify but for ' +
    'gaps in the sequences.\n\n' +
    'The dump is written beside its place and renamed when it is whole: if the command ends before that, ' +
    'it leaves no file.\n\n' +
    'Exit status: 0 when nothing was lost, 65 when something was, 66 when there is no such file, 2 when ' +
    'OUT is there already (--force overwrites it) or is the same file as IN.';

  static override examples = [
    {
      description: 'Save what can be saved',
      command: '<%= config.bin %> <%= command.id %> dump.fcrp saved.fcrp',
    },
  ];

  static override args = {
    in: Args.string({ description: 'A dump; - is stdin.', required: true, ignoreStdin: true }),
    out: Args.string({
      description: 'The dump to write.',
      required: true,
      ignoreStdin: true,
      parse: async (file) => parseOutputFile(file),
    }),
  };

  static override flags = withEnvironment({
    force: Flags.boolean({ summary: 'Overwrite OUT.' }),
    mode: modeFlag(),
    'max-faults': countFlag({ summary: 'Losses to list; the rest is counted.', default: 100 }),
  });

  async run(): Promise<void> {
    const { args, flags } = await this.parse(FramesSalvage);
    const status = await runSalvage({
      input: args.in,
      target: args.out,
      force: flags.force,
      mode: modeOf(flags.mode),
      maxFaults: flags['max-faults'],
      ...this.surroundings,
    });
    this.exit(status);
  }
}
