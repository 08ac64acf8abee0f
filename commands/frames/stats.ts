import { BaseCommand } from '../../src/cli/command/base-command.js';
import { statsFlags, statsOptions } from '../../src/cli/frames/decode-flags.js';
import { dumpArgs } from '../../src/cli/frames/flags.js';
import { runStats } from '../../src/cli/frames/stats.js';
import { systemClock } from '../../src/clock.js';
import { dumpFiles } from '../../src/data/directory-dumps.js';

/** The command `frames stats`. */
export default class FramesStats extends BaseCommand {
  static override summary = 'Count the frames, records, keys and values of a dump.';

  static override description =
    'Counts for each dump its frames by kind with their compression, records by op and by shard with the ' +
    'range of their sequences and the gaps between them, prefixes of keys up to their first colon, the ' +
    'keys written most often, the biggest values, how big keys and values are, how long keys live, and the ' +
    'records over time. In memory of one size, however long the dump is.\n\n' +
    'Sizes and lives are counted by powers of two. A life is the time from a record to the expiry that it ' +
    'sets; entries of snapshots have no time.\n\n' +
    'Of up to 4,096 prefixes and 4,096 keys the counts are exact; where there are more, those counted ' +
    'least give way to others, and a count is shown as a range or, of a prefix, with a ~. Keys are kept up ' +
    'to 80 bytes.\n\n' +
    'With --json: one document, {"files":[{"file":…,"stats":{…},"fault":null}]}. "itemsError" and ' +
    '"recordsError" say by how much a count may be too high. "keyBytes", "valueBytes" and "lifeMs" have the ' +
    'least of each bucket ("from") and its "count".\n\n' +
    'A damaged dump is counted up to its damage; the fault is named on stderr with file and byte offset, ' +
    'and the exit status is 65. 66: there is no such file; 2: usage.';

  static override examples = [
    { description: 'Count a dump', command: '<%= config.bin %> <%= command.id %> dump.fcrp' },
    {
      description: 'The deletions in the last minutes before a time, by prefix',
      command:
        '<%= config.bin %> <%= command.id %> --op del --since 2025-10-09T08:50Z --until ' +
        '2025-10-09T08:54Z dump.fcrp',
    },
    {
      description: 'The busiest keys of one kind, for a program',
      command: `<%= config.bin %> <%= command.id %> --key 'user:*' --json - < dump.fcrp`,
    },
  ];

  static override args = dumpArgs;

  static override flags = statsFlags;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(FramesStats);
    const status = await runStats({
      ...statsOptions(flags, await dumpFiles(args.file), this.jsonEnabled()),
      clock: systemClock,
      output: this.output,
      terminal: process.stderr,
      report: (fault) => this.report(fault),
      note: (text) => this.note(text),
    });
    this.exit(status);
  }
}
