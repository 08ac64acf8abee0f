/** A failover that does not come about by itself. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { PrimaryOptions } from '../../src/index.js';
import { LaggingReplica } from './lagging-replica.js';
import { closedBehind, connect, say, start } from './open-front.js';
import { eventually } from './processes.js';

/** A primary with a replica that never has all, at whose address nobody answers. */
export async function startWithLagging(options: PrimaryOptions = {}) {
  const { primary } = await start(options);
  const silent = closedBehind(createServer().listen(0, '127.0.0.1'));
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const pairs: [string, string][] = [
    ['node', '0123456789abcdef'],
    ['takeover', `:${port}`],
  ];
  primary.set('key', 'value');
  closedBehind(new LaggingReplica(primary.bindAddress!, primary.history, primary.watermarks(), pairs));
  const client = await connect(primary);
  await eventually(
    () => say(client, 'INFO', 'replication'),
    (info) => info.includes('state=online'),
  );
  return { primary, client };
}
