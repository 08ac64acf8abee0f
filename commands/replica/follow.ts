import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { withEnvironment } from '../../src/cli/command/flags.js';
import { parseHostPort } from '../../src/cli/command/values.js';
import { optionFlags, optionsFrom } from '../../src/cli/server/flags.js';
import { followEnded } from '../../src/cli/server/follow-end.js';
import { followView } from '../../src/cli/server/follow-view.js';
import { readyOf } from '../../src/cli/server/ready.js';
import { ServerCommand } from '../../src/cli/server/server-command.js';
import { changeLines, prefixFlag } from '../../src/cli/server/tap-flags.js';
import { systemClock, systemTimers } from '../../src/clock.js';
import { Replica } from '../../src/embedded/replica.js';
import { replicaEvents } from '../../src/server/events.js';

export default class ReplicaFollow extends ServerCommand {
  static override summary = 'Follow a primary and serve its content, read-only.';

  static override description =
    `The primary may be fastcache's or the Rust crate's. A primary that is not there, or no longer, is tried again, after pauses that grow to 5 s; its content stays readable meanwhile.

It is a relay, which other replicas follow in its primary's stead, unless it has no port (--no-listen). SIGUSR2, or REPLICAOF NO ONE on its Redis port, promotes it: it takes writes, and replicas that are not ahead of it carry on from the content that they hold.

With --changes each change that is applied is a line of JSON on stdout, and all else on stderr; a reader that is slow is waited for. With --state a stopped tap goes on where it was, if the primary still has the records that it lacks. Otherwise it says why not and starts over with a snapshot, which replaces the old content at its end. After a kill -9 the last second of changes may come again; none is left out.

SIGINT, SIGTERM and SIGHUP drain and exit 0 (with TLS, SIGHUP reads the certificates anew). Exit status 69: the primary is unreachable (with --once); 77: it refuses the token; 1: a port is taken; 2: usage.`;

  static override examples = [
    {
      description: 'Follow the primary on this machine',
      command: '<%= config.bin %> <%= command.id %> 127.0.0.1:7631',
    },
    {
      description: 'Write the present content of a primary to a dump, and leave',
      command: '<%= config.bin %> <%= command.id %> 127.0.0.1:7631 --once --no-listen --record dump.fcrp',
    },
    {
      description: 'Follow a primary, and serve its content to replicas on a port of their own',
      command: '<%= config.bin %> <%= command.id %> primary.example:6380 --bind 127.0.0.1:7632',
    },
    {
      description: 'Watch the changes of keys that start with user:',
      command: '<%= config.bin %> <%= command.id %> 127.0.0.1:7631 --no-listen --changes --prefix user:',
    },
    {
      description: 'Feed another program with all changes, going on where the last run stopped',
      command:
        '<%= config.bin %> <%= command.id %> 127.0.0.1:7631 --changes --state tap.state >> changes.ndjson',
    },
    {
      description: 'Record into one dump over many runs',
      command: '<%= config.bin %> <%= command.id %> 127.0.0.1:7631 --record all.fcrp --state record.state',
    },
  ];

  static override args = {
    primary: Args.string({
      description: 'The address of the primary, host:port: its port for clients or that for replicas.',
      required: true,
      ignoreStdin: true,
      parse: async (text) => parseHostPort(text),
    }),
  };

  static override flags = withEnvironment({
    once: Flags.boolean({
      summary: 'Exit 0 as soon as all that the primary has at connect is applied.',
      default: false,
    }),
    prefix: prefixFlag(),
    ...optionFlags('replica'),
  });

  async run(): Promise<void> {
    const onPromotionSignal = this.onPromotionSignal();
    const parsed = await this.parse(ReplicaFollow);
    this.leaveStdoutTo(parsed.flags);
    const { args, flags } = parsed;
    const changes = changeLines(parsed, this.output, systemTimers);
    const { onLoading, until } = await this.loading(flags);
    const options = optionsFrom('replica', parsed, { changes, onLoading }, (message) => this.warn(message));
    const replica = await until(Replica.follow(args.primary, options));
    const ended = followEnded(replica, flags.once, changes === undefined ? undefined : this.output.ended);
    const view = followView({
      address: args.primary,
      stream: process.stderr,
      clock: systemClock,
      timers: systemTimers,
      appliedRecords: () => replica.metrics().replicaApplied,
      keyCount: () => replica.keyCount(),
      lagMs: () => replica.lag().ms,
    });
    for (const name of replicaEvents) {
      replica.on(name, (event) => {
        if (!this.jsonEnabled()) view.show(event);
        else if (changes === undefined) this.showEvent(event);
        else changes.event(event);
      });
    }
    this.reloadSignal.isFor(flags, replica);
    const { fields, text } = readyOf(replica, options);
    await this.ready(fields, text, changes === undefined ? 'stdout' : 'stderr');
    onPromotionSignal(() => replica.promote());
    await this.serve({ close: () => replica.close().finally(() => view.close()) }, ended);
  }
}
