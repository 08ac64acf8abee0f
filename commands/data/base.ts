import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/command/base-command.js';
import { withEnvironment } from '../../src/cli/command/flags.js';
import { redisFlags, redisWayOf } from '../../src/cli/command/redis-flags.js';
import { stopSignal } from '../../src/cli/command/shutdown.js';
import { parseHostPort } from '../../src/cli/command/values.js';
import { runBase } from '../../src/cli/data/base.js';
import { systemTimers } from '../../src/clock.js';
import { tcpTransport } from '../../src/transport/tcp.js';

/** The command `data base`. */
export default class DataBase extends BaseCommand {
  static override summary = 'Have a running server make a base in its data directory.';

  static override description =
    'The server writes all its content beside its segments while it serves, and this command ends when that is ' +
    'whole and on the disk. The next start then has less to read, and the directory has a place of its own to ' +
    'be restored from. It is BGSAVE of the Redis protocol. SIGINT ends this command alone.\n\n' +
    'With --json: {"endpoint":…,"isMade":true,"savedAtMs":…,"durationMs":…}.\n\n' +
    'Exit status: 0 when the base is there, 1 when the server has no data directory or could not make it, 69 ' +
    'unreachable, 77 password refused.';

  static override examples = [
    {
      description: 'A base of the server at the default address',
      command: '<%= config.bin %> <%= command.id %> 127.0.0.1:6380',
    },
  ];

  static override args = {
    endpoint: Args.custom<string>({
      description: 'The address of the server (host:port), where its clients connect.',
      parse: async (text) => parseHostPort(text),
    })({ default: '127.0.0.1:6380' }),
  };

  static override flags = withEnvironment({ ...redisFlags });

  async run(): Promise<void> {
    const { args, flags } = await this.parse(DataBase);
    const status = await runBase({
      endpoint: args.endpoint,
      signal: stopSignal(),
      ...this.surroundings,
      ...(await redisWayOf(flags, tcpTransport, (message) => this.warn(message))),
      timers: systemTimers,
      note: (text) => this.note(text),
    });
    this.exit(status);
  }
}
