import * as Args from '@oclif/core/args';
import { ExitError } from '@oclif/core/errors';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/command/base-command.js';
import { countFlag, fileFlag, withEnvironment } from '../src/cli/command/flags.js';
import { readSecret, TOKEN } from '../src/cli/command/secret.js';
import { stopSignal } from '../src/cli/command/shutdown.js';
import { tlsFlags, transportOf } from '../src/cli/command/tls-flags.js';
import { runVerify, UNKNOWN } from '../src/cli/verify/verify.js';
import { systemSeams } from '../src/clock.js';
import { tcpTransport } from '../src/transport/tcp.js';

/** The command `verify`. */
export default class Verify extends BaseCommand {
  static override summary =
    'Compare the keys of two servers, or of a server and a dump, and repair a replica.';

  static override description =
    'Either side is a server in either role, a dump, a data directory, or a Rust primary, which is followed ' +
    'meanwhile. No server is stopped: servers answer with digests of their content and go on. Keys that differ are ' +
    'asked for again and again until they are known to differ at the same sequence, or, without a common ' +
    'history, while neither side changes them. A server spends a hundredth of its time on it: a million keys take ' +
    'one to three minutes where they differ, and a second where they do not.\n\n' +
    'Keys of the two that differ are listed: only in the first, only in the second, another value, another ' +
    'expiry.\n\n' +
    '--repair has the first, a primary, publish again the keys that differ, and the deletions of those that it ' +
    'does not have, so that the second, its replica, gets them, as all its other replicas. It is refused for ' +
    'any other two. The exit status is then that of the comparison behind it.\n\n' +
    'Where a data directory or a dump is of another moment than the server, keys that were written in between ' +
    'differ. An expired key is no difference without a common history. A dump whose name looks like an ' +
    'address can be given as ./name:1.\n\n' +
    'Exit status: 0 when they are equal, 1 when they differ, 3 when that cannot be found out (the server is too ' +
    'old, one is behind the other, keys change all the time), 2 wrong usage or a repair that is refused, 65 ' +
    'damaged dump, 66 no such file, 69 unreachable, 77 token refused.';

  static override examples = [
    {
      description: 'Does the replica hold what the primary does?',
      command: '<%= config.bin %> <%= command.id %> 127.0.0.1:7631 127.0.0.1:6381',
    },
    {
      description: 'Does a dump?',
      command: '<%= config.bin %> <%= command.id %> 127.0.0.1:7631 dump.fcrp --json',
    },
    {
      description: 'Have the replica given the keys that differ',
      command: '<%= config.bin %> <%= command.id %> 127.0.0.1:7631 127.0.0.1:6381 --repair',
    },
  ];

  static override args = {
    first: Args.string({
      description:
        'The address of a server (host:port), whichever of its ports, a dump (- is stdin) or a data directory.',
      required: true,
      ignoreStdin: true,
    }),
    second: Args.string({
      description: 'Another one.',
      required: true,
      ignoreStdin: true,
    }),
  };

  static override flags = withEnvironment({
    repair: Flags.boolean({
      summary: 'Have the second, a replica of the first, given the keys that differ.',
    }),
    limit: countFlag({
      summary: 'List about so many differences at most.',
      default: 1000,
      min: 1,
      max: 1_000_000,
    }),
    'token-file': fileFlag('The token that the servers ask for; FASTCACHE_TOKEN does the same.'),
    ...tlsFlags,
  });

  /** 1 means that they differ, so that faults have another status. */
  protected override statusOf(error: unknown): number {
    const status = super.statusOf(error);
    return status === 1 && !(error instanceof ExitError) ? UNKNOWN : status;
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Verify);
    const status = await runVerify({
      ...systemSeams,
      ...this.surroundings,
      sides: [args.first, args.second],
      limit: flags.limit,
      repairs: flags.repair ?? false,
      token: readSecret(TOKEN, flags['token-file'], (message) => this.warn(message)),
      transport: await transportOf(flags, tcpTransport),
      signal: stopSignal(),
    });
    this.exit(status);
  }
}
