import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/command/base-command.js';
import { choiceFlag, countFlag, withEnvironment } from '../../src/cli/command/flags.js';
import { parseShards } from '../../src/cli/command/values.js';
import { dumpArgs } from '../../src/cli/frames/flags.js';
import { runVerify } from '../../src/cli/frames/verify.js';

/** The command `frames verify`. */
export default class FramesVerify extends BaseCommand {
  static override summary = 'Check that a dump is sound.';

  static override description =
    "Checks each frame's structure, keys against their hashes and tags, records against their shards, " +
    "that each shard's sequences follow one another without gaps, that snapshots are whole, and that " +
    'watermarks never fall within a history. Every fault is shown with its byte offset and what to do about ' +
    'it; after damage the check goes on at the next valid frame.\n\n' +
    'Routing is checked when the dump says how many shards there are (a snapshot does, what a primary ' +
    'records does not) or --shards does. Records that a replica would skip, because it has seen their ' +
    'sequences, are no fault.\n\n' +
    'With --json: one document, {"files":[{"file":…,"ok":true,…,"faults":[]}],"ok":true}.\n\n' +
    'Exit status: 65 when there is a fault, 66 when there is no such file.';

  static override examples = [
    { description: 'Check a dump', command: '<%= config.bin %> <%= command.id %> dump.fcrp' },
    {
      description: 'Check what a primary of 4 shards recorded, from stdin',
      command: '<%= config.bin %> <%= command.id %> --shards 4 - < dump.fcrp',
    },
  ];

  static override args = dumpArgs;

  static override flags = withEnvironment({
    route: choiceFlag('How the primary routes keys to shards.', ['full-key', 'session-prefix'], 'full-key'),
    shards: Flags.custom<number>({
      summary: 'How many shards the primary has; what the dump says when absent.',
      helpValue: '<number>',
      parse: async (text) => parseShards(text),
    })(),
    'max-faults': countFlag({ summary: 'Faults to list of each dump; the rest is counted.', default: 100 }),
  });

  async run(): Promise<void> {
    const { args, flags } = await this.parse(FramesVerify);
    const status = await runVerify({
      files: args.file,
      route: flags.route,
      shards: flags.shards,
      maxFaults: flags['max-faults'],
      ...this.surroundings,
      report: (error) => this.report(error),
    });
    this.exit(status);
  }
}
