import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/command/base-command.js';
import { fileFlag, withEnvironment } from '../src/cli/command/flags.js';
import { readSecret, TOKEN } from '../src/cli/command/secret.js';
import { stopSignal } from '../src/cli/command/shutdown.js';
import { tlsFlags, transportOf } from '../src/cli/command/tls-flags.js';
import { UsageError } from '../src/cli/command/values.js';
import { runTop } from '../src/cli/top/top.js';
import { Endpoint } from '../src/cli/watermarks/endpoint.js';
import { systemClock, systemTimers } from '../src/clock.js';
import { tcpTransport } from '../src/transport/tcp.js';

/** The command `top`. */
export default class Top extends BaseCommand {
  static override summary = 'Show what servers do, live.';

  static override description =
    'Looks every two seconds at servers, primaries or replicas, at either of their ports. The screen shows keys, memory, ' +
    'clients, the share of reads that found their key (hits), how much of the one thread is used (event loop), ' +
    'and with their last minute reads, writes, and the bytes a second that go to replicas. Below stand the replicas with ' +
    'their lag of the last minute; one that takes a snapshot shows how much of it has been made, and the time ' +
    'that is left.\n\n' +
    'Keys: r replicas, s shards, h hot keys, c commands that were slow, l lines of the log, q end. Hot keys are those with ' +
    'at least 1 % of the uses by clients within the last seconds, by a sample.\n\n' +
    'Where stdout is no terminal, and with --once, it looks twice, writes one screen and ends. With --json it ' +
    'writes an object with each look.\n\n' +
    'Exit status: 0 ended; with --once, or where stdout is no terminal, 69 a server does not answer, 77 a token is refused.';

  static override examples = [
    { description: 'The server on this machine', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'A primary and its replicas',
      command: '<%= config.bin %> <%= command.id %> 10.0.0.5:6380 10.0.0.6:6380 10.0.0.7:6380',
    },
    { description: 'One screen, for a report', command: '<%= config.bin %> <%= command.id %> --once' },
  ];

  static override args = {
    endpoint: Args.string({
      description: 'The address of a server (host:port), whichever of its ports.',
      multiple: true,
      ignoreStdin: true,
      default: ['127.0.0.1:7631'],
    }),
  };

  static override flags = withEnvironment({
    once: Flags.boolean({ summary: 'Write one screen, and end.' }),
    'token-file': fileFlag('The token that the servers ask for; FASTCACHE_TOKEN does the same.'),
    ...tlsFlags,
  });

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Top);
    const warn = (message: string) => this.warn(message);
    const token = readSecret(TOKEN, flags['token-file'], warn);
    const transport = await transportOf(flags, tcpTransport);
    const endpoints = args.endpoint.map(
      (text) => new Endpoint(text, { token, transport, timers: systemTimers, warn }),
    );
    if (endpoints.some(({ isDump }) => isDump)) {
      throw new UsageError('top looks at servers, host:port; frames stats and watermarks read dumps');
    }
    const status = await runTop({
      endpoints,
      clock: systemClock,
      timers: systemTimers,
      json: this.jsonEnabled(),
      once: flags.once,
      output: this.output,
      terminal: this.output.isTerminal ? process.stdout : undefined,
      input: process.stdin,
      stop: stopSignal(),
    });
    this.exit(status);
  }
}
