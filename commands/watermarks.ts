import * as Args from '@oclif/core/args';
import { BaseCommand } from '../src/cli/command/base-command.js';
import { typedFlags } from '../src/cli/command/flags.js';
import { readSecret, TOKEN } from '../src/cli/command/secret.js';
import { transportOf } from '../src/cli/command/tls-flags.js';
import { Endpoint } from '../src/cli/watermarks/endpoint.js';
import {
  checkRules,
  isCheck,
  watermarksFlags,
  watermarksMode,
  withWatchSeconds,
} from '../src/cli/watermarks/flags.js';
import { checkEnd, runWatermarks } from '../src/cli/watermarks/watermarks.js';
import { systemClock, systemTimers } from '../src/clock.js';
import { tcpTransport } from '../src/transport/tcp.js';

/** The command `watermarks`. */
export default class Watermarks extends BaseCommand {
  static override summary = 'Show how far primaries and their replicas, or dumps, are.';

  static override description =
    'Each replica has a row: its name (--name of that server, or else its address), its state, the writes that it has ' +
    'not acknowledged, in records and in ms (from the first record that it lacks to the newest), the bytes a ' +
    'second that it is sent, how long it may be away, at the present write rate, before it needs a ' +
    'snapshot, and since when it is there, or gone. A terminal of less than 80 columns is not shown sent/s and ' +
    'since.\n\n' +
    'Above the rows stands how long a replica that has everything may be away. The write rate is that of the last ten seconds.\n\n' +
    '--shards also shows the watermark of each shard: the highest sequence that replicas could have, and as +n ' +
    "past the base of the primary's history. For a dump it is the sequence that a replica has after it applied the dump.\n\n" +
    'Replicas are asked like primaries, and any server at either port. A Rust primary shows its ' +
    'watermarks alone, and keeps one of its replica slots (16 by default) busy after each question until ' +
    'the next write.\n\n' +
    '--check, for monitoring, prints one line with performance data and the causes behind it. Exit ' +
    'status:\n' +
    '  0 OK\n' +
    '  1 WARNING: a replica lags by more than half of --max-lag-ms or --max-lag-records, takes a snapshot ' +
    'in, is catching up, is gone and can still resume, or lacks more than the backlog has; no replica is ' +
    'connected to a primary\n' +
    '  2 CRITICAL: a replica lags by more than a limit, is gone and needs a snapshot, diverges, ' +
    "keeps another history, has no memory for its primary's content, or has come five times within a minute; a " +
    'server does not answer; the link of a relay is not live\n' +
    '  3 UNKNOWN: the answer does not say (a Rust primary), is refused or cannot be read; wrong usage\n' +
    '--expect gives the number of replicas that must be connected, or their names: fewer, or one that is missing, is CRITICAL, and ' +
    'without it a primary must have one. --ignore-gone leaves out those that are gone. A replica that was ended ' +
    'on purpose (SIGTERM, --once, close()) says so, and is not listed as gone.\n' +
    'A lag that is not known is U in the performance data, and critical where --max-lag-ms is given.\n' +
    'The worst of all that is found counts; CRITICAL and WARNING come before UNKNOWN.\n\n' +
    '--wait ends with 0 when all connected replicas, and at least one, have acknowledged all that the primary ' +
    'had when it was asked; with 1 after --timeout, and lists the replicas and their lag. Replicas that are gone ' +
    'already are not waited for, those that leave meanwhile are.\n\n' +
    '--forget takes a replica that left for good off the list, before its hour is over; the exit status is 1 ' +
    'when the one that is named is not listed as gone. The server asks for its token, if it has one.\n\n' +
    'Exit status otherwise: 69 unreachable, 77 token refused, 66 no such file, 65 damaged dump or ' +
    'unreadable answer.';

  static override examples = [
    { description: 'Ask the primary on this machine', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'Watch a primary and a relay, each second',
      command: '<%= config.bin %> <%= command.id %> --watch 1 127.0.0.1:7631 10.0.0.7:7631',
    },
    { description: 'Each shard too', command: '<%= config.bin %> <%= command.id %> --shards' },
    {
      description: 'Compare a primary with a dump, as JSON',
      command: '<%= config.bin %> <%= command.id %> 127.0.0.1:7631 dump.fcrp --json',
    },
    {
      description: 'From monitoring: critical when a replica is more than 5 s behind, a warning from 2.5 s',
      command: '<%= config.bin %> <%= command.id %> --check --max-lag-ms 5000',
    },
    {
      description: 'From monitoring: critical when one of these replicas is not there',
      command: '<%= config.bin %> <%= command.id %> --check --expect cache-1,cache-2 --ignore-gone',
    },
    {
      description: 'Wait until all replicas have all that the primary has now',
      command: '<%= config.bin %> <%= command.id %> --wait --timeout 60',
    },
    {
      description: 'Replicas that left were taken down on purpose: list them no longer',
      command: '<%= config.bin %> <%= command.id %> --forget gone',
    },
  ];

  static override args = {
    endpoint: Args.string({
      description: 'The address of a server (host:port), whichever of its ports, or a dump (- is stdin).',
      multiple: true,
      ignoreStdin: true,
      default: ['127.0.0.1:7631'],
    }),
  };

  static override flags = watermarksFlags;

  protected override statusOf(error: unknown): number {
    return isCheck(this.argv) ? checkEnd(error) : super.statusOf(error);
  }

  async run(): Promise<void> {
    const parsed = await this.parse(Watermarks, withWatchSeconds(this.argv));
    const { args, flags } = parsed;
    const warn = (message: string) => this.warn(message);
    const token = readSecret(TOKEN, flags['token-file'], warn);
    const transport = await transportOf(flags, tcpTransport);
    const endpoints = args.endpoint.map(
      (text) => new Endpoint(text, { token, transport, timers: systemTimers, warn }),
    );
    const status = await runWatermarks(watermarksMode(flags, typedFlags(parsed), endpoints), {
      endpoints,
      rules: checkRules(flags),
      clock: systemClock,
      timers: systemTimers,
      json: this.jsonEnabled(),
      output: this.output,
      showsShards: flags.shards ?? false,
      terminal: this.output.isTerminal ? process.stdout : undefined,
      warn,
      report: (fault) => this.report(fault),
    });
    this.exit(status);
  }
}
