import * as Args from '@oclif/core/args';
import { valueFlag, withEnvironment } from '../src/cli/command/flags.js';
import { parseCount } from '../src/cli/command/values.js';
import { KEY_STATUSES, KeyCommand, keyFlags } from '../src/cli/keys/key-command.js';
import { pageOf } from '../src/cli/keys/scan-page.js';
import { escapeBytes } from '../src/cli/terminal/escape.js';
import { bytesField, toJson } from '../src/cli/terminal/json.js';

/** Keys that the server is asked for at a time. */
const SCAN_COUNT = '1000';

/** The command `scan`. */
export default class Scan extends KeyCommand {
  static override summary = 'List keys, without holding up the server.';

  static override description =
    'Lists the keys of any server of the Redis protocol, a primary or a replica, by SCAN: one a line, escaped, in no ' +
    'order. A key that is there all the while is listed; one may come twice. With --json: a line {"key":…} for ' +
    'each, and keyBase64 for a key that is no text.\n\n' +
    `Exit status: 0 done, ${KEY_STATUSES}`;

  static override examples = [
    { description: 'All of them', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'The first ten that match, of a replica',
      command: "<%= config.bin %> <%= command.id %> 'user:*' --limit 10 --endpoint 127.0.0.1:6381",
    },
  ];

  static override args = {
    pattern: Args.string({
      description: 'The pattern of the keys, as KEYS has it.',
      default: '*',
      ignoreStdin: true,
    }),
  };

  static override flags = withEnvironment({
    limit: valueFlag({
      summary: 'End after so many keys.',
      helpValue: '<number>',
      parse: (text) => parseCount(text, { min: 1 }),
    }),
    ...keyFlags,
  });

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Scan);
    let left = flags.limit ?? Number.POSITIVE_INFINITY;
    await this.asking(flags, async (client) => {
      let cursor = '0';
      do {
        const page = await client.ask('SCAN', cursor, 'MATCH', args.pattern, 'COUNT', SCAN_COUNT);
        const [next, keys] = pageOf(page);
        for (const key of keys.slice(0, left)) await this.output.line(this.#text(key));
        left -= keys.length;
        cursor = String(next);
      } while (cursor !== '0' && left > 0);
    });
  }

  #text(key: Buffer): string {
    return this.jsonEnabled() ? toJson(bytesField('key', key)) : escapeBytes(key);
  }
}
