import * as Args from '@oclif/core/args';
import { valueFlag, withEnvironment } from '../src/cli/command/flags.js';
import { parseCount } from '../src/cli/command/values.js';
import { KEY_STATUSES, KeyCommand, keyFlags } from '../src/cli/keys/key-command.js';
import { toJson } from '../src/cli/terminal/json.js';

const LONGEST_TTL_SECONDS = 4_294_967_295;

/** The command `set`. */
export default class SetCommand extends KeyCommand {
  static override summary = 'Set a key to a value.';

  static override description =
    'Asks any primary of the Redis protocol; a replica refuses. An earlier expiry of the key is gone then. With ' +
    '--json: {"key":…,"set":true}.\n\n' +
    `Exit status: 0 it is set, ${KEY_STATUSES}`;

  static override examples = [
    { description: 'For good', command: '<%= config.bin %> <%= command.id %> user:1 ada' },
    { description: 'For an hour', command: '<%= config.bin %> <%= command.id %> session:7 open --ttl 3600' },
  ];

  static override args = {
    key: Args.string({ description: 'The key.', required: true, ignoreStdin: true }),
    value: Args.string({ description: 'Its new value.', required: true, ignoreStdin: true }),
  };

  static override flags = withEnvironment({
    ttl: valueFlag({
      summary: 'The key expires after so many seconds; absent: it does not.',
      helpValue: '<seconds>',
      parse: (text) => parseCount(text, { min: 1, max: LONGEST_TTL_SECONDS }),
    }),
    ...keyFlags,
  });

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SetCommand);
    const { key, value } = args;
    const expiry = flags.ttl === undefined ? [] : ['EX', String(flags.ttl)];
    await this.asking(flags, (client) => client.ask('SET', key, value, ...expiry));
    if (this.jsonEnabled()) await this.output.line(toJson({ key, set: true }));
  }
}
