import * as Args from '@oclif/core/args';
import { BaseCommand } from '../src/cli/command/base-command.js';
import { fileFlag, valueFlag, withEnvironment } from '../src/cli/command/flags.js';
import { PASSWORD, readSecret, TOKEN } from '../src/cli/command/secret.js';
import { stopSignal } from '../src/cli/command/shutdown.js';
import { tlsFlags, transportOf } from '../src/cli/command/tls-flags.js';
import { parseCount } from '../src/cli/command/values.js';
import { endpointFlag } from '../src/cli/keys/endpoint-flag.js';
import { watchKeys } from '../src/cli/keys/watch.js';
import { systemSeams } from '../src/clock.js';
import { parseAddress } from '../src/transport/address.js';
import { tcpTransport } from '../src/transport/tcp.js';

/** The command `watch`. */
export default class Watch extends BaseCommand {
  static override summary = 'Show the changes of keys as they come.';

  static override description =
    'Follows any server, a primary or a replica, at either of its ports, from now on: each record of a key ' +
    'that starts with PREFIX is a line, with its time, the operation (set, del, expire), the key and the value. ' +
    'With --json it is an object as frames decode has it. Changes while the link is lost are shown ' +
    'later. Where the server no longer has it, a line on stderr says so.\n\n' +
    'It takes the place of one replica while it runs, and is listed as watch; as it keeps no content, it does not ' +
    'count for WAIT and --min-replicas. A Rust server sends its ' +
    'whole content first, which is not shown.\n\n' +
    'Exit status: 0 ended by SIGINT, SIGTERM or --limit; 69 unreachable; 77 the token is refused.';

  static override examples = [
    { description: 'All changes', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'The next ten of keys that start with user:, as JSON',
      command: '<%= config.bin %> <%= command.id %> user: --limit 10 --json',
    },
    {
      description: 'Of a replica',
      command: '<%= config.bin %> <%= command.id %> user: --endpoint 127.0.0.1:6381',
    },
  ];

  static override args = {
    prefix: Args.string({ description: 'The start of the keys; all keys when absent.', ignoreStdin: true }),
  };

  static override flags = withEnvironment({
    endpoint: endpointFlag('The address of the server, either of its ports.'),
    limit: valueFlag({
      summary: 'End after so many changes.',
      helpValue: '<number>',
      parse: (text) => parseCount(text, { min: 1 }),
    }),
    'token-file': fileFlag(
      'The token that the server asks for; FASTCACHE_TOKEN does the same, or FASTCACHE_PASSWORD where there is a ' +
        'password and no token.',
    ),
    ...tlsFlags,
  });

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Watch);
    const warn = (message: string) => this.warn(message);
    await watchKeys({
      ...systemSeams,
      transport: await transportOf(flags, tcpTransport),
      address: parseAddress(flags.endpoint),
      token: readSecret(TOKEN, flags['token-file'], warn) ?? readSecret(PASSWORD, undefined, warn),
      prefix: args.prefix === undefined ? undefined : Buffer.from(args.prefix),
      limit: flags.limit,
      json: this.jsonEnabled(),
      output: this.output,
      note: (text) => this.note(text),
      stop: stopSignal(),
    });
  }
}
