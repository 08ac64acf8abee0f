import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/command/base-command.js';
import { choiceFlag, fileFlag, withEnvironment } from '../../src/cli/command/flags.js';
import { readSecret, TOKEN } from '../../src/cli/command/secret.js';
import { tlsFlags, transportOf } from '../../src/cli/command/tls-flags.js';
import { diffFormats, runDiff } from '../../src/cli/frames/diff.js';
import { valueForms } from '../../src/cli/terminal/text.js';
import { systemSeams } from '../../src/clock.js';
import { tcpTransport } from '../../src/transport/tcp.js';

/** The command `frames diff`. */
export default class FramesDiff extends BaseCommand {
  static override summary = 'Compare the key spaces of two dumps, or of a dump and a primary.';

  static override description =
    'Compares the content of the first with that of the second: keys added (+), removed (-) and changed ' +
    '(~) in value or expiry, and their counts at the end. Whether a dump is a snapshot or a recorded ' +
    'stream makes no difference, nor how many shards there are.\n\n' +
    "A primary, fastcache's or the Rust crate's, is followed until all that it had at connect is there. " +
    'A dump whose name looks like an address can be given as ./name:1.\n\n' +
    'Both are looked at as of the same moment, that of the newest record in either, or now with a primary: ' +
    'keys that have expired by then are left out of both, and counted.\n\n' +
    'As NDJSON: {"type":"added","key":…,"value":…,"expireAtMs":…}, "removed" likewise, ' +
    '{"type":"changed","key":…,"before":{…},"after":{…}}, in no particular order, and last ' +
    '{"type":"summary",…}. With --json: one document, {"differences":[…],"added":…,…}. Memory is that of ' +
    'both key spaces.\n\n' +
    'Exit status: 0 when they are equal, 1 when they differ, 65 when a dump is damaged or has gaps, 66 ' +
    'when there is no such file, 69 when the primary is unreachable, 77 when it refuses the token.';

  static override examples = [
    {
      description: 'The changes from one dump to another',
      command: '<%= config.bin %> <%= command.id %> monday.fcrp tuesday.fcrp',
    },
    {
      description: 'Does a dump hold what the primary has now?',
      command: '<%= config.bin %> <%= command.id %> dump.fcrp 127.0.0.1:7631',
    },
    {
      description: 'The keys that a dump lacks',
      command:
        '<%= config.bin %> <%= command.id %> --format ndjson --values none dump.fcrp ' +
        `127.0.0.1:7631 | jq 'select(.type == "added").key'`,
    },
  ];

  static override args = {
    before: Args.string({
      description: 'A dump (- is stdin), a data directory, or the address of a server, host:port.',
      required: true,
      ignoreStdin: true,
    }),
    after: Args.string({
      description: 'Another dump, directory or address.',
      required: true,
      ignoreStdin: true,
    }),
  };

  static override flags = withEnvironment({
    format: choiceFlag('How to print; --json overrides it.', diffFormats, 'text'),
    values: choiceFlag('How to show values; none shows their lengths.', valueForms, 'text'),
    'token-file': fileFlag('The token that the primary asks for; FASTCACHE_TOKEN does the same.'),
    ...tlsFlags,
  });

  async run(): Promise<void> {
    const { args, flags } = await this.parse(FramesDiff);
    const status = await runDiff({
      ...systemSeams,
      before: args.before,
      after: args.after,
      format: this.jsonEnabled() ? 'json' : flags.format,
      values: flags.values,
      token: readSecret(TOKEN, flags['token-file'], (message) => this.warn(message)),
      transport: await transportOf(flags, tcpTransport),
      output: this.output,
      terminal: process.stderr,
    });
    this.exit(status);
  }
}
