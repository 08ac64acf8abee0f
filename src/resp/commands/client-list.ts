/** CLIENT LIST and CLIENT INFO: one client as a line of fields, Redis' names in Redis' order. */
import type { ClientState } from '../client-state.js';
import type { CommandHost } from '../command-host.js';
import { hasChangedKeys } from './transactions.js';

/**
 * A client's line. Its fields for databases, channels and tracking are empty; Node does not provide `fd`.
 */
export function clientLine(client: ClientState, host: CommandHost): string {
  const { clock, clients } = host;
  const nowSeconds = Math.floor(clock.nowMs() / 1000);
  const pendingBytes = clients.pendingBytes(client);
  const { queue, queuedBytes = 0 } = client.transaction ?? {};
  const fields: (readonly [string, string | number])[] = [
    ['id', client.id],
    ['addr', client.address],
    ['laddr', client.localAddress],
    ['fd', -1],
    ['name', client.name],
    ['age', nowSeconds - Math.floor(client.connectedAtMs / 1000)],
    ['idle', nowSeconds - Math.floor(client.heardAtMs / 1000)],
    ['flags', flagsOf(client, host)],
    ['db', 0],
    ['sub', 0],
    ['psub', 0],
    ['ssub', 0],
    ['multi', queue?.length ?? -1],
    ['qbuf', 0],
    ['qbuf-free', 0],
    ['argv-mem', 0],
    ['multi-mem', queuedBytes],
    ['rbs', 0],
    ['rbp', 0],
    ['obl', 0],
    ['oll', pendingBytes > 0 ? 1 : 0],
    ['omem', pendingBytes],
    ['tot-mem', pendingBytes + queuedBytes],
    ['events', pendingBytes > 0 ? 'rw' : 'r'],
    ['cmd', client.lastCommand],
    ['user', 'default'],
    ['redir', -1],
    ['resp', client.protocol],
  ];
  // Redis 7.2 shows these for every client; here only a client that sent them (by a command of 7.2) has them.
  if (client.libraryName !== '') fields.push(['lib-name', client.libraryName]);
  if (client.libraryVersion !== '') fields.push(['lib-ver', client.libraryVersion]);
  return fields.map(([name, value]) => `${name}=${value}`).join(' ');
}

function flagsOf(client: ClientState, host: CommandHost): string {
  const flags = [
    client.isMonitor ? 'O' : '',
    client.transaction === undefined ? '' : 'x',
    client.isBlocked ? 'b' : '',
    hasChangedKeys(client, host) ? 'd' : '',
    client.leaves ? 'c' : '',
    client.isNeverEvicted ? 'e' : '',
    client.isNeverTouching ? 'T' : '',
  ].join('');
  return flags === '' ? 'N' : flags;
}
