import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/command/base-command.js';
import { fileFlag, valueFlag, withEnvironment } from '../src/cli/command/flags.js';
import { asUsage } from '../src/cli/command/option-flags.js';
import { redisFlags, redisWayOf } from '../src/cli/command/redis-flags.js';
import { readSecret, SOURCE_PASSWORD } from '../src/cli/command/secret.js';
import { stopSignal } from '../src/cli/command/shutdown.js';
import { transportOf } from '../src/cli/command/tls-flags.js';
import { parseCount, parseHostPort } from '../src/cli/command/values.js';
import { runImport } from '../src/cli/import/import.js';
import { promotionSignal } from '../src/cli/server/promotion-signal.js';
import { systemTimers } from '../src/clock.js';
import { parseRedisUrl } from '../src/import/redis-url.js';
import { tcpTransport } from '../src/transport/tcp.js';

const DEFAULT_PAUSE_SECONDS = 60;
const { tls: _, ...sourceFlags } = redisFlags;

/** The command `import`. */
export default class ImportCommand extends BaseCommand {
  static override summary = 'Follow a live Redis, and move its clients over without downtime.';

  static override description =
    'Follows a Redis primary (or a replica of it) as its replica would: all its strings are loaded into the server ' +
    '--to, then the writes of its clients are done there too, for as long as it runs. A lost link is continued ' +
    'where it was, or else all is taken anew, and keys that are gone at the source are deleted.\n\n' +
    'With --cut-over, or at SIGUSR2, clients move: as soon as hardly anything is missing, writes at the source ' +
    'are paused (CLIENT PAUSE WRITE, for --pause seconds), the rest is taken, and the counts of keys are ' +
    'compared. If all is there, the status is 0, and clients may connect to the new server; the source takes ' +
    'writes again when the pause ends. Otherwise writes go on at once, and the status is 1.\n\n' +
    'Only strings of one database are taken, 0 unless the URL ends in another one. Keys of other types and ' +
    'in other databases end the import, unless --skip-others leaves them out; then they are counted.\n\n' +
    'A password in the URL can be read by others on this machine: better is --source-password-file. ' +
    '--password-file is for the server --to. The source is connected to by TLS where it is written rediss:, the ' +
    'server --to with --to-tls; --tls-ca, --tls-cert and --tls-key are for both.\n\n' +
    'Exit status: 0 clients may move, 1 the target holds keys, refused commands, or the cut-over failed; 65 the ' +
    'source has keys that cannot be imported; 69 unreachable, or the target was lost; 77 a password is refused; 130 ' +
    'and 143 after SIGHUP, SIGINT and SIGTERM.';

  static override examples = [
    {
      description: 'Follow a Redis into the server at the default address, until it is interrupted',
      command: '<%= config.bin %> <%= command.id %> redis://127.0.0.1:6379',
    },
    {
      description: 'Move from it: when this exits with 0, clients may connect to 10.0.0.7:6380',
      command: '<%= config.bin %> <%= command.id %> redis://10.0.0.5:6379 --to 10.0.0.7:6380 --cut-over',
    },
    {
      description: 'Database 2 of a Redis with TLS and a user',
      command:
        '<%= config.bin %> <%= command.id %> rediss://importer@cache.example:6380/2 --source-password-file secret --tls-ca ca.crt',
    },
    {
      description: 'By TLS to both; the file has the authorities of both',
      command:
        '<%= config.bin %> <%= command.id %> rediss://cache.example:6380 --to new.example:6390 --to-tls --tls-ca both.crt',
    },
  ];

  static override args = {
    source: Args.custom<string>({
      description: 'The Redis: redis://[user:password@]host[:port][/database]; rediss:// for TLS.',
      required: true,
    })({ required: true }),
  };

  static override flags = withEnvironment({
    to: Flags.custom<string>({
      summary: 'The server that takes it all, its Redis port.',
      helpValue: '<host:port>',
      parse: async (text) => parseHostPort(text),
    })({ default: '127.0.0.1:6380' }),
    'to-tls': Flags.boolean({ summary: 'Connect to that server by TLS.', default: false }),
    'cut-over': Flags.boolean({ summary: 'Move clients over as soon as it has everything.', default: false }),
    pause: valueFlag({
      summary: `The seconds for which the source takes no writes from the cut-over on; ${DEFAULT_PAUSE_SECONDS} when absent.`,
      helpValue: '<seconds>',
      parse: (text) => parseCount(text, { min: 1, max: 86_400 }),
    }),
    replace: Flags.boolean({
      summary: 'Replace the keys of the server; otherwise it must be empty.',
      default: false,
    }),
    'skip-others': Flags.boolean({
      summary: 'Leave out keys of other types and in other databases.',
      default: false,
    }),
    'source-password-file': fileFlag('The password of the source; FASTCACHE_SOURCE_PASSWORD does the same.'),
    ...sourceFlags,
  });

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImportCommand);
    const given = asUsage(() => parseRedisUrl(args.source));
    const warn = (message: string) => void this.warn(message);
    const password = readSecret(SOURCE_PASSWORD, flags['source-password-file'], warn) ?? given.password;
    const way = await redisWayOf({ ...flags, tls: flags['to-tls'] }, tcpTransport, warn);
    const status = await runImport({
      source: { ...given, password },
      to: flags.to,
      password: way.password,
      connectTimeoutMs: way.connectTimeoutMs,
      isReplacing: flags.replace,
      skipsOthers: flags['skip-others'],
      cutsOver: flags['cut-over'],
      pauseMs: (flags.pause ?? DEFAULT_PAUSE_SECONDS) * 1_000,
      signal: stopSignal(),
      sourceTransport: await transportOf({ ...flags, tls: given.isTls }, tcpTransport),
      targetTransport: way.transport,
      timers: systemTimers,
      ...this.surroundings,
      onCutOverAsked: promotionSignal((error) => warn(String(error))),
    });
    this.exit(status);
  }
}
