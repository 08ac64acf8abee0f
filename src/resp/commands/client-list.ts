/** CLIENT LIST and CLIENT INFO: one client as a line of fields, Redis' names in Redis' order. */
import type { ClientState } from '../client-state.js';
import type { CommandHost } from '../command-host.js';
import { hasChangedKeys } from './transactions.js';

/**
 * A client's line. Its fields for databases and tracking are empty; Node does not provide `fd`. It is one
 * text, for a list has thousands of them.
 */
export function clientLine(client: ClientState, host: CommandHost): string {
  const { inputBytes, argumentBytes, replyBytes, outputBytes } = host.clients.memoryOf(client);
  const { queue, queuedBytes = 0 } = client.transaction ?? {};
  const { channels, patterns, shardChannels, bytes = 0 } = client.subscriptions ?? {};
  const total = inputBytes + argumentBytes + outputBytes + queuedBytes + bytes;
  const line =
    `id=${client.id} addr=${client.address} laddr=${client.localAddress} fd=-1 name=${client.name}` +
    ` age=${ageSeconds(client, host)} idle=${idleSeconds(client, host)}` +
    ` flags=${flagsOf(client, host)} db=0 sub=${channels?.size ?? 0}` +
    ` psub=${patterns?.size ?? 0} ssub=${shardChannels?.size ?? 0}` +
    ` multi=${queue?.length ?? -1} qbuf=${inputBytes} qbuf-free=0 argv-mem=${argumentBytes}` +
    ` multi-mem=${queuedBytes} rbs=${replyBytes} rbp=0 obl=0` +
    ` oll=${outputBytes > 0 ? 1 : 0} omem=${outputBytes} tot-mem=${total}` +
    ` events=${outputBytes > 0 ? 'rw' : 'r'} cmd=${client.lastCommand} user=default redir=-1` +
    ` resp=${client.protocol}`;
  // Redis 7.2 and Valkey show these for every client; here only a client that sent them has them.
  const library = client.libraryName === '' ? '' : ` lib-name=${client.libraryName}`;
  const version = client.libraryVersion === '' ? '' : ` lib-ver=${client.libraryVersion}`;
  return `${line}${library}${version}${client.canRedirect ? ' capa=r' : ''}`;
}

/** Whole seconds since a client connected. */
export function ageSeconds(client: ClientState, host: CommandHost): number {
  return secondsSince(client.connectedAtMs, host);
}

/** Whole seconds since bytes last came from a client. */
export function idleSeconds(client: ClientState, host: CommandHost): number {
  return secondsSince(client.heardAtMs, host);
}

function secondsSince(thenMs: number, host: CommandHost): number {
  return Math.floor(host.clock.nowMs() / 1000) - Math.floor(thenMs / 1000);
}

/** The letters of a client's flags; `N` when it has none. */
export function flagsOf(client: ClientState, host: CommandHost): string {
  const flags = [
    client.isMonitor ? 'O' : '',
    client.subscriptions === undefined ? '' : 'P',
    client.transaction === undefined ? '' : 'x',
    client.isBlocked ? 'b' : '',
    hasChangedKeys(client, host) ? 'd' : '',
    client.leaves ? 'c' : '',
    client.isNeverEvicted ? 'e' : '',
    client.isNeverTouching ? 'T' : '',
  ].join('');
  return flags === '' ? 'N' : flags;
}
