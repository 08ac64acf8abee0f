import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/command/base-command.js';
import { valueFlag, withEnvironment } from '../src/cli/command/flags.js';
import { redisFlags, redisWayOf } from '../src/cli/command/redis-flags.js';
import { stopSignal } from '../src/cli/command/shutdown.js';
import { parseCount, parseHostPort, UsageError } from '../src/cli/command/values.js';
import { runFailover } from '../src/cli/failover/failover.js';
import { systemTimers } from '../src/clock.js';
import { tcpTransport } from '../src/transport/tcp.js';

const DEFAULT_TIMEOUT_SECONDS = 10;

/** The command `failover`. */
export default class Failover extends BaseCommand {
  static override summary = 'Have a primary hand over to one of its replicas, without losing a write.';

  static override description =
    'The primary holds writes back until a replica has everything, has it promote itself, and follows it. ' +
    'Nobody needs a snapshot. It is FAILOVER of the Redis protocol: with --timeout it gives up when no replica ' +
    'has everything in time, and writes go on; with --force the one that is named takes over nevertheless, and ' +
    'writes that it lacks are lost. SIGINT calls it off, unless the replica is taking over already.\n\n' +
    'Exit status: 0 a replica has taken over, 1 it was given up or refused, 69 unreachable, 77 password refused.';

  static override examples = [
    {
      description: 'Hand over to whichever replica has everything first',
      command: '<%= config.bin %> <%= command.id %> 127.0.0.1:6380',
    },
    {
      description: 'To this one, within five seconds',
      command: '<%= config.bin %> <%= command.id %> 127.0.0.1:6380 --to 10.0.0.7:6380 --timeout 5',
    },
  ];

  static override args = {
    primary: Args.custom<string>({
      description: 'The address of the primary (host:port), where its clients connect.',
      parse: async (text) => parseHostPort(text),
    })({ default: '127.0.0.1:6380' }),
  };

  static override flags = withEnvironment({
    to: Flags.custom<string>({
      summary: 'The replica, as INFO of the primary shows it; whichever has everything first when absent.',
      helpValue: '<host:port>',
      parse: async (text) => parseHostPort(text),
    })(),
    timeout: valueFlag({
      summary: `Give up after so many seconds, ${DEFAULT_TIMEOUT_SECONDS} when none are given; 0: never.`,
      helpValue: '<seconds>',
      parse: (text) => parseCount(text, { max: 1_000_000 }),
    }),
    force: Flags.boolean({ summary: 'Behind --timeout, --to takes over even if it lacks something.' }),
    ...redisFlags,
  });

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Failover);
    const { to, timeout = DEFAULT_TIMEOUT_SECONDS, force: isForced = false } = flags;
    if (isForced && (to === undefined || timeout === 0)) {
      throw new UsageError('--force needs --to, and a --timeout above 0');
    }
    const status = await runFailover({
      from: args.primary,
      to,
      timeoutMs: timeout * 1_000,
      isForced,
      signal: stopSignal(),
      ...this.surroundings,
      ...(await redisWayOf(flags, tcpTransport, (message) => this.warn(message))),
      timers: systemTimers,
    });
    this.exit(status);
  }
}
