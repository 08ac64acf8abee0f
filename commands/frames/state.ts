import { BaseCommand } from '../../src/cli/command/base-command.js';
import { givenFlags } from '../../src/cli/command/flags.js';
import { dumpArgs } from '../../src/cli/frames/flags.js';
import { writeState } from '../../src/cli/frames/state.js';
import { stateFlags, stateOptions } from '../../src/cli/frames/state-flags.js';
import { stateSource } from '../../src/cli/frames/state-source.js';
import { systemClock } from '../../src/clock.js';

/** The command `frames state`. */
export default class FramesState extends BaseCommand {
  static override summary = 'Show the key space that a dump leads to, or write it as a snapshot.';

  static override description =
    'Applies dumps as a replica would: records one after the other, and a snapshot that is whole replaces ' +
    'all. Several dumps continue each other, in the order in which they are given.\n\n' +
    'As NDJSON: one object a line, {"type":"entry","key":…,"value":…,"expireAtMs":…}, in no particular ' +
    'order. As a dump: one snapshot, which primary start --load takes. With --json: one document, ' +
    '{"entries":[…],"keys":…,…}; with --output, its figures.\n\n' +
    'With --end and --until: the key space as it was then. Keys that had expired by then, or by the ' +
    "dump's newest record, are left out and counted; a dump without records tells no time, and all its " +
    'keys are shown. A snapshot tells no time either: --until is refused when no record up to it follows ' +
    'the last snapshot.\n\n' +
    'A dump must lead somewhere: damage, a gap in the sequences or a snapshot that is not whole is named ' +
    'with its byte offset and ends this command, unless a later snapshot makes up for the gap. frames ' +
    'salvage and frames cut can take a part out.\n\n' +
    'A file is written beside its place and renamed when it is whole. Memory is that of the keys and ' +
    'values.\n\n' +
    'Exit status: 65 for such a fault, 66 when there is no such file, 2 when the dump does not tell the ' +
    'content at --end or --until, or the output is there already (--force overwrites it) or is one of the ' +
    'dumps.';

  static override examples = [
    {
      description: 'The keys that a dump leads to',
      command: '<%= config.bin %> <%= command.id %> dump.fcrp',
    },
    {
      description: 'As it was at a time, as a compact dump to start a primary from',
      command:
        '<%= config.bin %> <%= command.id %> --until 2025-10-09T08:53:21Z --format dump ' +
        '--compression zstd -o state.fcrp dump.fcrp',
    },
    {
      description: 'Two dumps, the second of which goes on where the first ends',
      command: '<%= config.bin %> <%= command.id %> --format dump monday.fcrp tuesday.fcrp > state.fcrp',
    },
  ];

  static override args = dumpArgs;

  static override flags = stateFlags;

  async run(): Promise<void> {
    const parsed = await this.parse(FramesState);
    const { args, flags } = parsed;
    const invocation = {
      given: givenFlags(parsed),
      json: this.jsonEnabled(),
      terminal: this.output.isTerminal,
    };
    const note = (text: string) => this.note(text);
    const { limits, ...options } = stateOptions(flags, invocation);
    await writeState({
      ...options,
      ...(await stateSource(args.file, limits, note)),
      output: this.output,
      terminal: process.stderr,
      clock: systemClock,
      note,
    });
  }
}
