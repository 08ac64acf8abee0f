import { withEnvironment } from '../src/cli/command/flags.js';
import { optionFlags } from '../src/cli/server/flags.js';
import { ServerCommand } from '../src/cli/server/server-command.js';
import { Server } from '../src/embedded/server.js';

export default class Serve extends ServerCommand {
  static override summary =
    'Start a server of either role, which a supervisor such as Redis Sentinel may change.';

  static override description =
    `Clients and replicas come to --listen. It begins as a primary or, with --replicaof, as a replica. REPLICAOF HOST PORT makes it follow another server, REPLICAOF NO ONE or SIGUSR2 promotes it. It takes the options of primary start and of replica follow, except those of a tap (--changes, --state, --once).

With --role-file it remembers its role: the file counts at the next start, and not --replicaof. A primary that has come back without its data is then not taken for a new one: it answers PING and commands on keys with NODATA, so that a Sentinel promotes a replica, until it follows another server, or CONFIG SET fresh-history yes says that it begins anew. With --fresh, --load or --recover it begins as these say.

With --sentinels and --sentinel-name it asks them at the start who is primary. Another server is followed at once. If it is this one, and it had replicas, it comes back without its data as above; the Sentinels are asked each second then, and the one that they promote is followed.

With --data, --until and --read-only it shows the content of a directory at that moment, beside the server that has the directory, and writes nothing.

One line on stdout says where it listens; with --json, events follow it, one object a line. SIGINT, SIGTERM and SIGHUP drain and exit 0 (with TLS, SIGHUP reads the certificates anew). Exit status 1: a port is taken, there is a primary already (--recover), or the role file is no such file; 65: the dump to load has a fault; 66: no such dump, token or password file; 69: nothing could be recovered; 2: usage.`;

  static override examples = [
    { description: 'A primary with the default address', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'A replica of it, which remembers its role',
      command:
        '<%= config.bin %> <%= command.id %> --replicaof 127.0.0.1:6380 --listen 127.0.0.1:6381 --role-file server.role',
    },
    {
      description: 'Under Sentinels, which know where others reach it',
      command:
        '<%= config.bin %> <%= command.id %> --role-file server.role --announce 10.0.0.1:6380 --sentinels 10.0.0.1:26379,10.0.0.2:26379,10.0.0.3:26379 --sentinel-name mymaster',
    },
    {
      description: 'The content of another server at noon, beside it',
      command:
        '<%= config.bin %> <%= command.id %> --data /var/lib/fastcache --until 2026-01-31T12:00 --read-only --listen 127.0.0.1:6390',
    },
  ];

  static override flags = withEnvironment(optionFlags('server'));

  async run(): Promise<void> {
    const onPromotionSignal = this.onPromotionSignal();
    const server = await this.started('server', await this.parse(Serve), (options) => Server.start(options));
    onPromotionSignal(() => server.promote());
    await this.serveToTheEnd(server);
  }
}
