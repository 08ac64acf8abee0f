import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../../src/cli/command/base-command.js';
import { modeFlag, modeOf, withEnvironment } from '../../../src/cli/command/flags.js';
import { runIndex } from '../../../src/cli/frames/index.js';

/** The command `frames index`; oclif takes a folder of this name for its id. */
export default class FramesIndex extends BaseCommand {
  static override summary = 'Make the index beside a dump, FILE.idx.';

  static override description =
    'An index has the place of each frame of a dump, its shard, sequences and times, and the hash of its bytes. ' +
    'With it frames verify finds a flipped bit of a value, and frames decode and frames state go ' +
    'straight to a moment. --record writes one while it records; this command makes one for other dumps, or ' +
    'makes one longer that does not reach the end of its dump.\n\n' +
    'Damage that is there already is not noticed: verify a dump before it gets an index. An index that its dump ' +
    'does not fit is left as it is: remove it to make another.\n\n' +
    'With --json: one line a dump, {"file":…,"index":…,"frames":…,"indexedBytes":…,"dumpBytes":…,"isCut":false}.' +
    '\n\nExit status: 65 when a dump is damaged or ends inside its last frame, before which its index then ends, ' +
    'or does not fit the index that is there; 66 when there is no such file.';

  static override examples = [
    { description: 'Make an index', command: '<%= config.bin %> <%= command.id %> dump.fcrp' },
  ];

  static override args = {
    file: Args.string({ description: 'A dump.', required: true, multiple: true, ignoreStdin: true }),
  };

  static override flags = withEnvironment({ mode: modeFlag() });

  async run(): Promise<void> {
    const { args, flags } = await this.parse(FramesIndex);
    const status = await runIndex({
      files: args.file,
      mode: modeOf(flags.mode),
      ...this.surroundings,
      report: (error) => this.report(error),
    });
    this.exit(status);
  }
}
