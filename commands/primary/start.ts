import { withEnvironment } from '../../src/cli/command/flags.js';
import { optionFlags } from '../../src/cli/server/flags.js';
import { ServerCommand } from '../../src/cli/server/server-command.js';
import { Primary } from '../../src/embedded/server.js';

export default class PrimaryStart extends ServerCommand {
  static override summary = 'Start a primary: the store that clients write to and replicas follow.';

  static override description =
    `Clients speak the Redis protocol to --listen, replicas FCRP to --listen or --bind. When both listen, one line on stdout says where; with --json, events follow it, one object a line.

With --load it starts with the content that a dump leads to, as frames state shows it, without the keys that have expired since: a snapshot, or a stream that was recorded. The content becomes that of a new history, and replicas are given it by snapshot. With --record too, the recording begins with it; --append has it go on behind the same dump. A dump that is damaged, or has gaps that no snapshot makes up for, is named with its byte offset, and nothing is started: frames salvage and frames state take out what is whole.

With --recover a primary that has lost its content takes it back from its replicas, those with a port, before it serves: all are asked, the furthest gives a snapshot, and the new history continues theirs, so that replicas which are level carry on. If one of them is a primary already, or follows one that is alive, nothing is started (status 1); with --recover-or-follow that one is followed. If none answers, the status is 69; with --fresh it then begins without content. With content in --data, that content is read first and the records that only the furthest has are added to it, and it starts with its own content if none answers.

SIGINT, SIGTERM and SIGHUP drain and exit 0 (with TLS, SIGHUP reads the certificates anew). Exit status 1: a port is taken, or there is a primary already; 65: the dump to load has a fault; 66: no such dump, token or password file; 69: nothing could be recovered; 2: usage.`;

  static override examples = [
    { description: 'With the default addresses', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'On free ports, with compression, recording its frames',
      command:
        '<%= config.bin %> <%= command.id %> --bind :0 --listen :0 --compression zstd --record dump.fcrp',
    },
    {
      description: 'Go on with the recording of an earlier one',
      command: '<%= config.bin %> <%= command.id %> --load dump.fcrp --record next.fcrp',
    },
    {
      description: 'Under a supervisor: content back from the replicas, or follow the one that was promoted',
      command:
        '<%= config.bin %> <%= command.id %> --recover 10.0.0.2:7631,10.0.0.3:7631 --recover-or-follow',
    },
  ];

  static override flags = withEnvironment(optionFlags('primary'));

  async run(): Promise<void> {
    const parsed = await this.parse(PrimaryStart);
    await this.serveToTheEnd(await this.started('primary', parsed, (options) => Primary.start(options)));
  }
}
