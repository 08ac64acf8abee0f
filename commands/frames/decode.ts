import { BaseCommand } from '../../src/cli/command/base-command.js';
import { givenFlags } from '../../src/cli/command/flags.js';
import { stopSignal } from '../../src/cli/command/shutdown.js';
import { runDecode } from '../../src/cli/frames/decode.js';
import { decodeFlags, decodeOptions, FOLLOW_POLL_MS } from '../../src/cli/frames/decode-flags.js';
import { dumpArgs } from '../../src/cli/frames/flags.js';
import { runStats } from '../../src/cli/frames/stats.js';
import { systemClock, systemTimers } from '../../src/clock.js';
import { dumpFiles } from '../../src/data/directory-dumps.js';
import type { FastcacheError } from '../../src/errors.js';

/** The command `frames decode`. */
export default class FramesDecode extends BaseCommand {
  static override summary = 'Print every frame and record of a dump.';

  static override description =
    'A dump is FCRP frames one after the other: the bytes of a socket, or the file of --record.\n\n' +
    'Each frame is shown with its offset, kind and sizes, each record with offset, shard, sequence, time, ' +
    'op, key, value, expiry, hash and tag. Tokens are shown as <redacted>. As text, gaps between the ' +
    'sequences of a shard are marked. With --json: one document, ' +
    '{"files":[{"file":…,"frames":[{…,"contents":[…]}],"fault":null}]}. As msgpack: a stream of maps with ' +
    'the names of the NDJSON, u64 values as such, keys and values as bytes.\n\n' +
    'A frame is shown when something in it passes the filters. Entries of snapshots have neither sequence, ' +
    'time, shard nor op: a filter on these hides them.\n\n' +
    'A damaged dump is printed up to its damage; the fault is named on stderr with file and byte offset, ' +
    'and the exit status is 65, whatever filters hide. So it is for a dump that ends inside its last ' +
    'frame. But with --since, --until, --start or --end a dump that has an index (FILE.idx) is read only where ' +
    'it may have such records. 66: there is no such file; 2: usage.';

  static override examples = [
    { description: 'Read a dump', command: '<%= config.bin %> <%= command.id %> dump.fcrp' },
    {
      description: 'One JSON object a line, from stdin',
      command: '<%= config.bin %> <%= command.id %> --format ndjson - < dump.fcrp',
    },
    {
      description: 'The changes of some keys from a time on',
      command: `<%= config.bin %> <%= command.id %> --key 'alph*' --since 2025-10-09T08:53:20Z dump.fcrp`,
    },
    {
      description: 'The first ten deletions of two shards, without values',
      command: '<%= config.bin %> <%= command.id %> --op del --shard 0,3 --limit 10 --values none dump.fcrp',
    },
    {
      description: 'Count instead, and see the gaps',
      command: '<%= config.bin %> <%= command.id %> --stats dump.fcrp',
    },
    {
      description: 'Is the dump whole?',
      command: '<%= config.bin %> <%= command.id %> --quiet dump.fcrp',
    },
    {
      description: 'Watch a dump that is being written, until Ctrl-C',
      command: '<%= config.bin %> <%= command.id %> --follow dump.fcrp',
    },
  ];

  static override args = dumpArgs;

  static override flags = decodeFlags;

  async run(): Promise<void> {
    const parsed = await this.parse(FramesDecode);
    const { args, flags } = parsed;
    const invocation = {
      files: await dumpFiles(args.file),
      given: givenFlags(parsed),
      json: this.jsonEnabled(),
      terminal: this.output.isTerminal,
    };
    const asked = {
      ...decodeOptions(flags, invocation),
      follow: flags.follow
        ? { pollMs: FOLLOW_POLL_MS, timers: systemTimers, stopped: stopSignal() }
        : undefined,
      clock: systemClock,
      output: this.output,
      terminal: process.stderr,
      report: (fault: FastcacheError) => this.report(fault),
      note: (text: string) => this.note(text),
    };
    this.exit(await (flags.stats ? runStats(asked) : runDecode(asked)));
  }
}
