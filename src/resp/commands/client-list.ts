/** CLIENT LIST and CLIENT INFO: one client as a line of fields, Redis' names in Redis' order. */
import { type ClientState, inOnePiece } from '../client-state.js';
import type { ClientMemory, CommandHost } from '../command-host.js';
import { redirectOf } from './tracking.js';
import { hasChangedKeys } from './transactions.js';

const NO_BYTES = { inputBytes: 0, argumentBytes: 0, replyBytes: 0, outputBytes: 0 };
/** The fields of a client without a transaction, subscriptions and bytes in its buffers, which most are. */
const AT_REST = inOnePiece(fieldsOf(-1, 0, NO_BYTES, undefined));

/** Bytes that a line is expected to have. */
const LINE_BYTES = 384;

/**
 * The clients' lines, each with a line feed behind it. A list has thousands of them, so they are written one
 * behind the other: to join them as strings takes four times as long.
 */
export function clientLines(clients: readonly ClientState[], host: CommandHost): Buffer {
  const seconds = nowSeconds(host);
  let lines = Buffer.allocUnsafe(clients.length * LINE_BYTES);
  let at = 0;
  for (const client of clients) {
    const line = `${clientLine(client, host, seconds)}\n`;
    if (at + line.length > lines.length) {
      lines = Buffer.concat([lines.subarray(0, at)], 2 * (at + line.length));
    }
    // Names and addresses are ASCII.
    at += lines.write(line, at, 'latin1');
  }
  return lines.subarray(0, at);
}

/**
 * A client's line. Its field for databases is empty; Node does not provide `fd`. It is put together from few
 * parts, for there may be thousands.
 */
function clientLine(client: ClientState, host: CommandHost, seconds: number): string {
  const memory = host.clients.memoryOf(client);
  const { inputBytes, argumentBytes, outputBytes } = memory;
  const { queue, queuedBytes = 0 } = client.transaction ?? {};
  const { subscriptions } = client;
  const isBusy = queue !== undefined || subscriptions !== undefined;
  const isAtRest = !isBusy && inputBytes + argumentBytes + outputBytes === 0;
  const fields = isAtRest ? AT_REST : fieldsOf(queue?.length ?? -1, queuedBytes, memory, subscriptions);
  const line =
    `${client.endpoints}${client.name} age=${since(client.connectedAtMs, seconds)}` +
    ` idle=${since(client.heardAtMs, seconds)}` +
    ` flags=${flagsOf(client, host)}${fields}${client.lastCommand} user=default redir=${redirectOf(client)}` +
    ` resp=${client.protocol}`;
  // Redis 7.2 and Valkey show these for every client; here only a client that sent them has them.
  const library = client.libraryName === '' ? '' : ` lib-name=${client.libraryName}`;
  const version = client.libraryVersion === '' ? '' : ` lib-ver=${client.libraryVersion}`;
  return `${line}${library}${version}${client.canRedirect ? ' capa=r' : ''}`;
}

/** The fields from `db` to `cmd`; `multi` is the length of the transaction's queue, -1 without one. */
function fieldsOf(
  multi: number,
  queuedBytes: number,
  { inputBytes, argumentBytes, replyBytes, outputBytes }: ClientMemory,
  subscriptions: ClientState['subscriptions'],
): string {
  const { channels, patterns, shardChannels, bytes = 0 } = subscriptions ?? {};
  const total = inputBytes + argumentBytes + outputBytes + queuedBytes + bytes;
  return (
    ` db=0 sub=${channels?.size ?? 0} psub=${patterns?.size ?? 0} ssub=${shardChannels?.size ?? 0}` +
    ` multi=${multi} qbuf=${inputBytes} qbuf-free=0 argv-mem=${argumentBytes}` +
    ` multi-mem=${queuedBytes} rbs=${replyBytes} rbp=0 obl=0` +
    ` oll=${outputBytes > 0 ? 1 : 0} omem=${outputBytes} tot-mem=${total}` +
    ` events=${outputBytes > 0 ? 'rw' : 'r'} cmd=`
  );
}

/** Whole seconds since a client connected. */
export function ageSeconds(client: ClientState, host: CommandHost): number {
  return since(client.connectedAtMs, nowSeconds(host));
}

/** Whole seconds since bytes last came from a client. */
export function idleSeconds(client: ClientState, host: CommandHost): number {
  return since(client.heardAtMs, nowSeconds(host));
}

function nowSeconds({ clock }: CommandHost): number {
  return Math.floor(clock.nowMs() / 1000);
}

function since(thenMs: number, seconds: number): number {
  return seconds - Math.floor(thenMs / 1000);
}

/** The letters of a client's flags; `N` when it has none. */
export function flagsOf(client: ClientState, host: CommandHost): string {
  let flags = '';
  if (client.isMonitor) flags += 'O';
  if (client.subscriptions !== undefined) flags += 'P';
  if (client.transaction !== undefined) flags += 'x';
  if (client.isBlocked) flags += 'b';
  if (client.tracking !== undefined) flags += 't';
  if (client.tracking?.isRedirectBroken === true) flags += 'R';
  if (client.tracking?.isBroadcast === true) flags += 'B';
  if (client.watched.size > 0 && hasChangedKeys(client, host)) flags += 'd';
  if (client.leaves) flags += 'c';
  if (client.isNeverEvicted) flags += 'e';
  if (client.isNeverTouching) flags += 'T';
  return flags === '' ? 'N' : flags;
}
