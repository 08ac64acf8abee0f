import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/command/base-command.js';
import {
  choiceFlag,
  givenFlags,
  listed,
  listFlag,
  modeOf,
  valueFlag,
  withEnvironment,
} from '../../src/cli/command/flags.js';
import { parseSequence, parseTime } from '../../src/cli/command/values.js';
import { momentOf } from '../../src/cli/data/moment.js';
import { restoreFormats, runRestore } from '../../src/cli/data/restore.js';
import { outputFlags } from '../../src/cli/frames/flags.js';

/** The command `data restore`. */
export default class DataRestore extends BaseCommand {
  static override summary =
    'Write the content of a data directory at a moment to a dump, or to a new directory.';

  static override description =
    'The moment is a time (--at), the watermarks of all shards (--watermarks), or right before a key lost its ' +
    'value (--before); without any it is now. Nothing in the directory is changed, and a server may have it.\n\n' +
    'A dump is one snapshot, with which primary start --load begins. With --format directory it is a data ' +
    'directory, with which a server starts that continues the history of the content: replicas that have no ' +
    'more than it carry on, and those that have more are given a snapshot of it.\n\n' +
    '--before KEY is the moment right before the last change by which a value of KEY was lost: it was deleted or ' +
    'overwritten with another one, or given an expiry which then came. With --before KEY=VALUE it is this value ' +
    'that was lost. \\xNN stands for a byte, so \\x3d for a = in a key. All else is as it was then, too: frames ' +
    'diff shows the difference, and frames replay brings single keys over.\n\n' +
    'Keys whose expiry has come since are deleted by the server that starts with it. The output is written ' +
    'beside its place and renamed when it is whole. Memory is that of the keys and values.\n\n' +
    'Exit status: 65 for damage that lies before that moment, 66 when there is no such directory, 2 when the ' +
    'directory has nothing of that moment, or the output is there already (--force overwrites a dump).';

  static override examples = [
    {
      description: 'As it was at noon',
      command: '<%= config.bin %> <%= command.id %> data --at 2026-11-29T12:00 -o noon.fcrp',
    },
    {
      description: 'A directory to start a server with, as it was before a key was deleted',
      command: '<%= config.bin %> <%= command.id %> data --before user:1 --format directory -o restored',
    },
    {
      description: 'As a replica had it, which was at these watermarks',
      command: '<%= config.bin %> <%= command.id %> data --watermarks 10,20,7,12 -o then.fcrp',
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
    watermarks: listFlag({
      summary: 'The sequence that each shard was at, in the order of the shards.',
      helpValue: '<sequence,…>',
      parse: (text) => `${parseSequence(text)}`,
    }),
    before: Flags.string({
      summary: 'Right before this key lost its value, or this value of it.',
      helpValue: '<key[=value]>',
    }),
    format: choiceFlag('The kind of output to make.', restoreFormats, 'dump'),
    ...outputFlags('The dump or the directory to make.'),
  });

  async run(): Promise<void> {
    const parsed = await this.parse(DataRestore);
    const { args, flags } = parsed;
    const { at, before, format } = flags;
    const watermarks = listed(flags.watermarks)?.map(BigInt);
    await runRestore({
      directory: args.directory,
      moment: momentOf({ at, watermarks, before }, format, givenFlags(parsed)),
      format,
      target: flags.output,
      force: flags.force,
      mode: modeOf(flags.mode),
      ...this.surroundings,
      note: (text) => this.note(text),
    });
  }
}
