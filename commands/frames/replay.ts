import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/command/base-command.js';
import { withEnvironment } from '../../src/cli/command/flags.js';
import { redisFlags, redisWayOf } from '../../src/cli/command/redis-flags.js';
import { stopSignal } from '../../src/cli/command/shutdown.js';
import { parseHostPort, parseOutputFile } from '../../src/cli/command/values.js';
import { choiceText, filterFlags, filterOf } from '../../src/cli/frames/decode-flags.js';
import { dumpArgs } from '../../src/cli/frames/flags.js';
import { paceFlags, paceOf } from '../../src/cli/replay/flags.js';
import { runReplay } from '../../src/cli/replay/replay.js';
import { systemTimers } from '../../src/clock.js';
import { dumpFiles } from '../../src/data/directory-dumps.js';
import { tcpTransport } from '../../src/transport/tcp.js';

/** The command `frames replay`. */
export default class FramesReplay extends BaseCommand {
  static override summary = 'Do what dumps say in a Redis-protocol server.';

  static override description =
    'Records become SET, DEL, PEXPIREAT and PERSIST, entries of snapshots SET. Expiries stay absolute (SET ' +
    '… PXAT, which Redis has from 6.2 on), so that keys expire when they should. Ranges, filters and the ' +
    'limit are those of frames decode. Keys that the server has and the dumps do not speak of are left ' +
    'alone: a snapshot adds its entries, and takes no keys away that were before it (frames state gives ' +
    'the content in the end; the report says where that was). A record that a dump holds twice is done ' +
    'once, as a replica would.\n\n' +
    'A later record may extend a key that has expired by now: such a key is sent with a grace, as long as it had ' +
    'to live when it was written and at least an hour. In the end, those that nothing has extended are ' +
    'deleted; where the replay is stopped and has a --state, by the run that goes on.\n\n' +
    'Commands go as fast as the server answers, thousands under way at a time, or by --rate or --pace. ' +
    'Commands that the server refuses are counted and named.\n\n' +
    'With --state the replay can be interrupted, by a signal or a lost connection, and the same command ' +
    'goes on where it was: the file holds the place up to which the server has answered, and is kept each second and at the ' +
    'end. Commands that were sent and not answered are sent again, which does no harm.\n\n' +
    'A damaged dump is replayed up to its damage; of a frame nothing is sent before all of it is found ' +
    'sound.\n\n' +
    'Exit status: 65 for a damaged dump, 66 when there is no such file, 69 when the server is unreachable ' +
    'or lost, 77 when it wants another password, 1 when it refused commands, 130 and 143 after SIGINT and ' +
    'SIGTERM.';

  static override examples = [
    {
      description: 'A dump into a redis-server',
      command: '<%= config.bin %> <%= command.id %> --to 127.0.0.1:6379 dump.fcrp',
    },
    {
      description: 'Some keys, as of a time, a thousand records a second',
      command:
        `<%= config.bin %> <%= command.id %> --to :6379 --key 'alph*' --until ` +
        '2025-10-09T08:53:20Z --rate 1000 dump.fcrp',
    },
    {
      description: 'As it was recorded, ten times as fast',
      command: '<%= config.bin %> <%= command.id %> --to :6379 --pace 10 dump.fcrp',
    },
    {
      description: 'So that it can be interrupted',
      command: '<%= config.bin %> <%= command.id %> --to :6379 --state replay.state dump.fcrp',
    },
  ];

  static override args = dumpArgs;

  static override flags = withEnvironment({
    to: Flags.custom<string>({
      summary: 'The server.',
      helpValue: '<host:port>',
      required: true,
      parse: async (text) => parseHostPort(text),
    })({ required: true }),
    ...filterFlags,
    ...paceFlags,
    state: Flags.custom<string>({
      summary: 'Keep in this file how far it is, and go on from there.',
      helpValue: '<file>',
      parse: async (file) => parseOutputFile(file),
    })(),
    ...redisFlags,
  });

  async run(): Promise<void> {
    const { args, flags } = await this.parse(FramesReplay);
    const status = await runReplay({
      files: await dumpFiles(args.file),
      to: flags.to,
      ...filterOf(flags),
      choice: choiceText(flags),
      pace: paceOf(flags),
      stateFile: flags.state,
      signal: stopSignal(),
      ...this.surroundings,
      ...(await redisWayOf(flags, tcpTransport, (message) => this.warn(message))),
      timers: systemTimers,
      report: (fault) => this.report(fault),
      note: (text) => this.note(text),
    });
    this.exit(status);
  }
}
