/** CLIENT LIST and CLIENT INFO: one client as a line of fields, Redis' names in Redis' order. */
import type { ClientState } from '../client-state.js';
import type { CommandHost } from '../command-host.js';
import { redirectOf } from './tracking.js';
import { hasChangedKeys } from './transactions.js';

/**
 * A client's line. Its field for databases is empty; Node does not provide `fd`. It is one text, for a list
 * has thousands of them.
 */
export function clientLine(client: ClientState, host: CommandHost): string {
  const nowSeconds = Math.floor(host.clock.nowMs() / 1000);
  const age = nowSeconds - Math.floor(client.connectedAtMs / 1000);
  const idle = nowSeconds - Math.floor(client.heardAtMs / 1000);
  const { inputBytes, argumentBytes, replyBytes, outputBytes } = host.clients.memoryOf(client);
  const { queue, queuedBytes = 0 } = client.transaction ?? {};
  const { channels, patterns, shardChannels, bytes = 0 } = client.subscriptions ?? {};
  const total = inputBytes + argumentBytes + outputBytes + queuedBytes + bytes;
  const line =
    `id=${client.id} addr=${client.address} laddr=${client.localAddress} fd=-1 name=${client.name}` +
    ` age=${age} idle=${idle} flags=${flagsOf(client, host)} db=0 sub=${channels?.size ?? 0}` +
    ` psub=${patterns?.size ?? 0} ssub=${shardChannels?.size ?? 0}` +
    ` multi=${queue?.length ?? -1} qbuf=${inputBytes} qbuf-free=0 argv-mem=${argumentBytes}` +
    ` multi-mem=${queuedBytes} rbs=${replyBytes} rbp=0 obl=0` +
    ` oll=${outputBytes > 0 ? 1 : 0} omem=${outputBytes} tot-mem=${total}` +
    ` events=${outputBytes > 0 ? 'rw' : 'r'} cmd=${client.lastCommand} user=default redir=${redirectOf(client)}` +
    ` resp=${client.protocol}`;
  // Redis 7.2 shows these for every client; here only a client that sent them (by a command of 7.2) has them.
  const library = client.libraryName === '' ? '' : ` lib-name=${client.libraryName}`;
  return client.libraryVersion === '' ? line + library : `${line}${library} lib-ver=${client.libraryVersion}`;
}

function flagsOf(client: ClientState, host: CommandHost): string {
  const flags = [
    client.isMonitor ? 'O' : '',
    client.subscriptions === undefined ? '' : 'P',
    client.transaction === undefined ? '' : 'x',
    client.isBlocked ? 'b' : '',
    client.tracking === undefined ? '' : 't',
    client.tracking?.isRedirectBroken === true ? 'R' : '',
    client.tracking?.isBroadcast === true ? 'B' : '',
    hasChangedKeys(client, host) ? 'd' : '',
    client.leaves ? 'c' : '',
    client.isNeverEvicted ? 'e' : '',
    client.isNeverTouching ? 'T' : '',
  ].join('');
  return flags === '' ? 'N' : flags;
}
