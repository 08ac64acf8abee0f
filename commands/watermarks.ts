import { Args } from '@oclif/core';
import { BaseCommand } from '../src/cli/base-command.js';
import { fileFlag, withEnvironment } from '../src/cli/flags.js';
import { readSecret, TOKEN } from '../src/cli/secret.js';
import { showWatermarks } from '../src/cli/watermarks.js';
import { systemTimers } from '../src/clock.js';
import { tcpTransport } from '../src/transport/tcp.js';

export default class Watermarks extends BaseCommand {
  static override summary = 'Show how far a primary, or a dump, is.';

  static override description =
    `The watermark of a shard is the highest sequence that the primary has sent out; of a dump, the one that a replica would have that applied it.

Any primary answers, fastcache's or the Rust crate's. A Rust primary keeps one of its replica slots busy for a while after each question.

Exit status: 69 unreachable, 77 token refused, 66 no such file, 65 damaged dump.`;

  static override examples = [
    { description: 'Ask the primary on this machine', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'Compare a primary with a dump, as JSON',
      command: '<%= config.bin %> <%= command.id %> 127.0.0.1:7631 dump.fcrp --json',
    },
  ];

  static override args = {
    endpoint: Args.string({
      description: 'An FCRP address (host:port) or a dump (- is stdin).',
      multiple: true,
      ignoreStdin: true,
      default: ['127.0.0.1:7631'],
    }),
  };

  static override flags = withEnvironment({
    'token-file': fileFlag('The token that the primary asks for; FASTCACHE_TOKEN does the same.'),
  });

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Watermarks);
    const status = await showWatermarks({
      endpoints: args.endpoint,
      token: readSecret(TOKEN, flags['token-file'], (message) => this.warn(message)),
      transport: tcpTransport,
      timers: systemTimers,
      json: this.jsonEnabled(),
      output: this.output,
      report: (fault) => this.report(fault),
    });
    this.exit(status);
  }
}
