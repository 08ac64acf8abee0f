import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/command/base-command.js';
import { choiceFlag, countFlag, withEnvironment } from '../../src/cli/command/flags.js';
import { parseShards } from '../../src/cli/command/values.js';
import { bytesOnlyFlag, dumpArgs } from '../../src/cli/frames/flags.js';
import { runVerify } from '../../src/cli/frames/verify.js';
import { dumpFiles } from '../../src/data/directory-dumps.js';

/** The command `frames verify`. */
export default class FramesVerify extends BaseCommand {
  static override summary = 'Check that a dump is sound, and whether it can be loaded.';

  static override description =
    "Checks each frame's structure, keys against their hashes and tags, records against their shards, " +
    "that each shard's sequences follow one another without gaps, that snapshots are whole, and that " +
    'watermarks never fall within a history. Where there is an index beside the dump (FILE.idx, which --record ' +
    'and frames index write), all bytes are compared with it, so that a flipped bit of a value is found too, ' +
    'and a torn tail is told from damage. Every fault is shown with its byte offset and the next step. ' +
    'After damage the check goes on at the next valid frame.\n\n' +
    'A sound dump need not be loadable: an empty one leads to no key space, and neither does one that begins ' +
    'in the middle of a history. The verdict is that of primary start --load and of frames state. ' +
    'Values have no checksum: without an index a value that was changed is not noticed, unless there are digests ' +
    'in the dump, with which its content is compared.\n\n' +
    'Routing is checked when the dump says how many shards there are (a snapshot does, the recording of a ' +
    'primary does not) or --shards does. Records that a replica would skip, because it has seen their ' +
    'sequences, are no fault.\n\n' +
    'With --json: one document, {"files":[{"file":…,"ok":true,"loadable":true,…,"faults":[]}],"ok":true}.\n\n' +
    'Exit status: 65 when there is a fault, or with --loadable a dump that leads to no key space; 66 when there ' +
    'is no such file.';

  static override examples = [
    { description: 'Check a dump', command: '<%= config.bin %> <%= command.id %> dump.fcrp' },
    {
      description: 'Check that a dump can be loaded',
      command: '<%= config.bin %> <%= command.id %> --loadable dump.fcrp',
    },
    {
      description: 'Check the recording of a primary of 4 shards, from stdin',
      command: '<%= config.bin %> <%= command.id %> --shards 4 - < dump.fcrp',
    },
  ];

  static override args = dumpArgs;

  static override flags = withEnvironment({
    route: choiceFlag(
      'The part of a key by which the primary routes it to a shard.',
      ['full-key', 'session-prefix'],
      'full-key',
    ),
    shards: Flags.custom<number>({
      summary: 'The number of shards of the primary; without it, the number that the dump gives.',
      helpValue: '<number>',
      parse: async (text) => parseShards(text),
    })(),
    'bytes-only': bytesOnlyFlag(),
    loadable: Flags.boolean({ summary: 'A dump must also lead to a key space, or the exit status is 65.' }),
    'max-faults': countFlag({ summary: 'Faults to list of each dump; the rest is counted.', default: 100 }),
  });

  async run(): Promise<void> {
    const { args, flags } = await this.parse(FramesVerify);
    const status = await runVerify({
      files: await dumpFiles(args.file),
      route: flags.route,
      shards: flags.shards,
      maxFaults: flags['max-faults'],
      mustLoad: flags.loadable,
      provesContent: !flags['bytes-only'],
      ...this.surroundings,
      report: (error) => this.report(error),
    });
    this.exit(status);
  }
}
