import * as Args from '@oclif/core/args';
import { withEnvironment } from '../src/cli/command/flags.js';
import { KEY_STATUSES, KeyCommand, keyFlags, oddAnswer } from '../src/cli/keys/key-command.js';
import { toJson } from '../src/cli/terminal/json.js';
import { countText } from '../src/cli/terminal/text.js';

/** The command `del`. */
export default class Del extends KeyCommand {
  static override summary = 'Delete keys.';

  static override description =
    'Asks any primary of the Redis protocol; a replica refuses. It says how many keys there were to delete; with ' +
    '--json: {"deleted":…}.\n\n' +
    `Exit status: 0 at least one was there, 1 none was, ${KEY_STATUSES}`;

  static override examples = [
    { description: 'Two keys', command: '<%= config.bin %> <%= command.id %> user:1 user:2' },
  ];

  static override args = {
    key: Args.string({ description: 'A key.', required: true, multiple: true, ignoreStdin: true }),
  };

  static override flags = withEnvironment(keyFlags);

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Del);
    const deleted = await this.asking(flags, (client) => client.ask('DEL', ...args.key));
    if (typeof deleted !== 'number') throw oddAnswer('DEL');
    if (this.jsonEnabled()) await this.output.line(toJson({ deleted }));
    else await this.output.line(`${countText(deleted, 'key', 'keys')} deleted`);
    this.exit(deleted > 0 ? 0 : 1);
  }
}
