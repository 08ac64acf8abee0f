import {
  addressFlag,
  choiceFlag,
  countFlag,
  fileFlag,
  listenAddress,
  listenFlags,
  serverFlags,
  servingFlags,
  servingOptions,
  shardsFlag,
  sizeFlag,
  withEnvironment,
} from '../../src/cli/command/flags.js';
import { PASSWORD, readSecret, TOKEN } from '../../src/cli/command/secret.js';
import { metricsField, metricsText, ServerCommand } from '../../src/cli/server/server-command.js';
import { ReadProgress } from '../../src/cli/terminal/read-progress.js';
import { countText } from '../../src/cli/terminal/text.js';
import { systemClock } from '../../src/clock.js';
import { Primary, primaryEvents } from '../../src/index.js';
import * as limits from '../../src/limits.js';

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

  static override flags = withEnvironment({
    bind: addressFlag('Where replicas connect (FCRP); port 0 picks a free one.', '127.0.0.1:7631'),
    ...listenFlags('Where clients connect (Redis protocol); port 0 picks a free one.', '127.0.0.1:6380'),
    shards: shardsFlag('Shards of the store, a power of two.', limits.DEFAULT_SHARDS),
    route: choiceFlag('What of a key picks its shard.', ['full-key', 'session-prefix'], 'full-key'),
    compression: choiceFlag('Compression of what replicas are sent.', ['none', 'zstd'], 'none'),
    'zstd-level': countFlag({
      summary: 'Level of zstd.',
      default: limits.DEFAULT_ZSTD_LEVEL,
      min: limits.MIN_ZSTD_LEVEL,
      max: limits.MAX_ZSTD_LEVEL,
    }),
    'send-policy': choiceFlag(
      'When records leave: at the end of the turn, in batches, or each at once.',
      ['adaptive', 'batch', 'immediate'],
      'adaptive',
    ),
    'batch-max-records': countFlag({
      summary: 'A batch leaves with this many records.',
      default: limits.DEFAULT_BATCH_MAX_RECORDS,
      min: 1,
      max: 2 ** 20,
    }),
    'batch-max-bytes': sizeFlag({
      summary: 'A batch leaves at this size.',
      default: limits.DEFAULT_BATCH_MAX_BYTES,
      min: 1,
      max: limits.MAX_FRAME_PAYLOAD_BYTES / 4,
    }),
    'batch-max-delay-us': countFlag({
      summary: 'With the policy batch, a batch leaves when its first record is this old, in microseconds.',
      default: limits.DEFAULT_BATCH_MAX_DELAY_US,
      min: 1,
      max: 60_000_000,
    }),
    ...servingFlags(),
    'min-replicas': countFlag({
      summary: 'Writes are answered NOREPLICAS while fewer replicas than this keep up.',
      default: 0,
      min: 0,
      max: 2 ** 31 - 1,
    }),
    'min-replicas-max-lag': countFlag({
      summary: 'A replica keeps up when it acknowledged at most so many seconds ago; 0: none are asked for.',
      default: limits.DEFAULT_MIN_REPLICAS_MAX_LAG_SECONDS,
      min: 0,
      max: 2 ** 31 - 1,
    }),
    'sequence-base': choiceFlag(
      'Sequences start past the clock, so that a restart is noticed, or from 1.',
      ['clock', 'zero'],
      'clock',
    ),
    load: fileFlag('Start with what this dump leads to; - is stdin.'),
    ...serverFlags(),
  });

  async run(): Promise<void> {
    const parsed = await this.parse(PrimaryStart);
    const { flags } = parsed;
    const loading = new ReadProgress(process.stderr, systemClock, 'loading', flags.load ?? '-');
    const primary = await Primary.start({
      bind: flags.bind,
      listen: listenAddress(parsed),
      shards: flags.shards,
      route: flags.route,
      compression: flags.compression,
      zstdLevel: flags['zstd-level'],
      sendPolicy: flags['send-policy'],
      batchMaxRecords: flags['batch-max-records'],
      batchMaxBytes: flags['batch-max-bytes'],
      batchMaxDelayUs: flags['batch-max-delay-us'],
      ...servingOptions(flags),
      minReplicas: flags['min-replicas'],
      minReplicasMaxLagSeconds: flags['min-replicas-max-lag'],
      sequenceBase: flags['sequence-base'],
      maxMemoryBytes: flags['max-memory'],
      eviction: flags.eviction,
      maxValueBytes: flags['max-value'],
      insecure: flags.insecure,
      record: flags.record,
      load: flags.load,
      onLoading: (bytes) => loading.read(bytes),
      metrics: flags.metrics,
      token: readSecret(TOKEN, flags['token-file'], (message) => this.warn(message)),
      password: readSecret(PASSWORD, flags['password-file'], (message) => this.warn(message)),
    }).finally(() => loading.close());
    for (const name of primaryEvents) primary.on(name, (event) => this.showEvent(event));
    const { bindAddress: bind, listenAddress: listen, metricsAddress: metrics, history, shards } = primary;
    const clients = listen === undefined ? '' : `, clients on ${listen}`;
    const loadedKeys = flags.load === undefined ? undefined : primary.keyCount();
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
