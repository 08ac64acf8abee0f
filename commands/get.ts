import * as Args from '@oclif/core/args';
import { withEnvironment } from '../src/cli/command/flags.js';
import { KEY_STATUSES, KeyCommand, keyFlags, oddAnswer } from '../src/cli/keys/key-command.js';
import { escapeBytes } from '../src/cli/terminal/escape.js';
import { bytesField, toJson } from '../src/cli/terminal/json.js';

/** The command `get`. */
export default class Get extends KeyCommand {
  static override summary = 'Show the value of a key.';

  static override description =
    'Asks any server of the Redis protocol, a primary or a replica. On a terminal the value is escaped; ' +
    'elsewhere it is written as it is, and a line end behind it. With --json: {"key":…,"value":…,"ttlMs":…}, ' +
    'where a value that is no text is in valueBase64, and a ttlMs of null means that the key does not expire.\n\n' +
    `Exit status: 0 there is such a key, 1 there is none, ${KEY_STATUSES}`;

  static override examples = [
    { description: 'From the server on this machine', command: '<%= config.bin %> <%= command.id %> user:1' },
    {
      description: 'From a replica, as JSON',
      command: '<%= config.bin %> <%= command.id %> user:1 --endpoint 127.0.0.1:6381 --json',
    },
  ];

  static override args = { key: Args.string({ description: 'The key.', required: true, ignoreStdin: true }) };

  static override flags = withEnvironment(keyFlags);

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Get);
    const { key } = args;
    const [value, ttlMs] = await this.asking(flags, async (client) => [
      await client.ask('GET', key),
      this.jsonEnabled() ? await client.ask('PTTL', key) : null,
    ]);
    const isThere = Buffer.isBuffer(value);
    if (!isThere && value !== null) throw oddAnswer('GET');
    if (this.jsonEnabled()) {
      const expires = typeof ttlMs === 'number' && ttlMs >= 0;
      const held = isThere ? bytesField('value', value) : { value: null };
      await this.output.line(toJson({ key, ...held, ttlMs: expires ? ttlMs : null }));
    } else if (!isThere) this.note('there is no such key');
    else if (this.output.isTerminal) await this.output.line(escapeBytes(value));
    else await this.output.write(Buffer.concat([value, Buffer.from('\n')]));
    this.exit(isThere ? 0 : 1);
  }
}
