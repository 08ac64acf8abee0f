import { Args } from '@oclif/core';
import { BaseCommand } from '../../src/cli/base-command.js';
import { givenFlags } from '../../src/cli/flags.js';
import { decodeDumps } from '../../src/cli/frames-decode.js';
import { decodeFlags, decodeOptions } from '../../src/cli/frames-decode-flags.js';
import { systemClock } from '../../src/clock.js';

export default class FramesDecode extends BaseCommand {
  static override summary = 'Print every frame and record of a dump.';

  static override description =
    `A dump is FCRP frames one after the other: what a socket carried, or what --record wrote.

Each frame is shown with its offset, kind and sizes, each record with offset, shard, sequence, time, op, key, value, expiry, hash and tag. Tokens are shown as <redacted>. With --json: one document, {"files":[{"file":…,"frames":[{…,"contents":[…]}],"fault":null}]}.

A damaged dump is printed up to its damage; the fault is named on stderr with file and byte offset, and the exit status is 65. So it is for a dump that ends inside its last frame. 66: there is no such file.`;

  static override examples = [
    { description: 'Read a dump', command: '<%= config.bin %> <%= command.id %> dump.fcrp' },
    {
      description: 'One JSON object a line, from stdin',
      command: '<%= config.bin %> <%= command.id %> --format ndjson - < dump.fcrp',
    },
  ];

  static override args = {
    file: Args.string({
      description: 'A dump; - is stdin.',
      required: true,
      multiple: true,
      ignoreStdin: true,
    }),
  };

  static override flags = decodeFlags;

  async run(): Promise<void> {
    const parsed = await this.parse(FramesDecode);
    const { args, flags } = parsed;
    const invocation = {
      given: givenFlags(parsed),
      json: this.jsonEnabled(),
      terminal: this.output.isTerminal,
    };
    const status = await decodeDumps({
      ...decodeOptions(flags, invocation),
      files: args.file,
      clock: systemClock,
      output: this.output,
      report: (fault) => this.report(fault),
    });
    this.exit(status);
  }
}
