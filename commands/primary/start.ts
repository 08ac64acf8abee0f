import { withEnvironment } from '../../src/cli/command/flags.js';
import { optionFlags, optionsFrom } from '../../src/cli/server/flags.js';
import { metricsField, metricsText, ServerCommand } from '../../src/cli/server/server-command.js';
import { ReadProgress } from '../../src/cli/terminal/read-progress.js';
import { countText } from '../../src/cli/terminal/text.js';
import { systemClock } from '../../src/clock.js';
import { primaryEvents } from '../../src/server/events.js';
import { Primary } from '../../src/server/primary.js';

export default class PrimaryStart extends ServerCommand {
  static override summary = 'Start a primary: the store that clients write to and replicas follow.';

  static override description =
    `Clients speak the Redis protocol to --listen, replicas FCRP to --bind. When both listen, one line on stdout says where; with --json, events follow it, one object a line.

With --load it starts with what a dump leads to, as frames state shows it, without the keys that have expired since: a snapshot, or a stream that was recorded. The content becomes that of a new history, and replicas are given it by snapshot. With --record too, the recording begins with it. A dump that is damaged, or has gaps that no snapshot makes up for, is named with its byte offset, and nothing is started: frames salvage and frames state take out what is whole.

SIGINT and SIGTERM drain and exit 0. Exit status 1: a port is taken; 65: the dump to load has a fault; 66: no such dump, token or password file; 2: usage.`;

  static override examples = [
    { description: 'With the default addresses', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'On free ports, with compression, recording what is published',
      command:
        '<%= config.bin %> <%= command.id %> --bind :0 --listen :0 --compression zstd --record dump.fcrp',
    },
    {
      description: 'Go on with what an earlier one recorded',
      command: '<%= config.bin %> <%= command.id %> --load dump.fcrp --record next.fcrp',
    },
  ];

  static override flags = withEnvironment(optionFlags('primary'));

  async run(): Promise<void> {
    const parsed = await this.parse(PrimaryStart);
    const load: string | undefined = parsed.flags.load;
    const loading = new ReadProgress(process.stderr, systemClock, 'loading', load ?? '-');
    const onLoading = (bytes: number) => loading.read(bytes);
    const options = optionsFrom('primary', parsed, { onLoading }, (message) => this.warn(message));
    const primary = await Primary.start(options).finally(() => loading.close());
    for (const name of primaryEvents) primary.on(name, (event) => this.showEvent(event));
    const { bindAddress: bind, listenAddress: listen, metricsAddress: metrics, history, shards } = primary;
    const clients = listen === undefined ? '' : `, clients on ${listen}`;
    const loadedKeys = load === undefined ? undefined : primary.keyCount();
    const loaded = loadedKeys === undefined ? '' : `, ${countText(loadedKeys, 'key', 'keys')} loaded`;
    await this.ready(
      {
        role: 'primary',
        bind,
        listen: listen ?? null,
        ...metricsField(metrics),
        history,
        shards,
        loadedKeys,
      },
      `primary ready: replicas on ${bind}${clients}${metricsText(metrics)}, ${shards} shards${loaded}, history ${history}`,
    );
    await this.serve(primary, new Promise((resolve) => primary.on('shutdown', () => resolve())));
  }
}
