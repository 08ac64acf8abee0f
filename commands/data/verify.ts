import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/command/base-command.js';
import { withEnvironment } from '../../src/cli/command/flags.js';
import { runVerifyData } from '../../src/cli/data/verify.js';
import { bytesOnlyFlag } from '../../src/cli/frames/flags.js';

/** The command `data verify`. */
export default class DataVerify extends BaseCommand {
  static override summary = 'Check that a data directory is sound, and leads to its content.';

  static override description =
    'Checks each segment and each base as frames verify does, all bytes against the index beside it, and its ' +
    'length against the manifest; then that all of them lead to content, and that this content has the digests in ' +
    'them, which takes memory for the content. Nothing is changed. The segment that is written to may end inside a ' +
    'frame: a crash leaves such an end, and the next start cuts it.\n\n' +
    'With --json: one document, {"directory":…,"ok":true,"files":[…],"comparedDigests":8,"differences":[]}.\n\n' +
    'Exit status: 65 when there is a fault, 66 when there is no such directory, 1 when its manifest is damaged.';

  static override examples = [
    { description: 'Check a directory', command: '<%= config.bin %> <%= command.id %> data' },
  ];

  static override args = {
    directory: Args.string({ description: 'A data directory.', required: true, ignoreStdin: true }),
  };

  static override flags = withEnvironment({ 'bytes-only': bytesOnlyFlag() });

  async run(): Promise<void> {
    const { args, flags } = await this.parse(DataVerify);
    const provesContent = !flags['bytes-only'];
    const { directory } = args;
    this.exit(await runVerifyData({ directory, provesContent, ...this.surroundings }));
  }
}
