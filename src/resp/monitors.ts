/**
 * MONITOR: clients that are sent every command that is run. A line shows at most a part of each argument, so
 * that one large command costs neither memory nor time for each of its bytes.
 */
import type { ClientState } from './client-state.js';
import type { UnixTime } from './unix-time.js';

/** Bytes that a line shows of an argument. */
const ARGUMENT_BYTES_MAX = 16_384;
/** Bytes of arguments after which a line only says how many more there are. */
const SHOWN_BYTES_MAX = 262_144;

/** The clients that see every command. */
export class Monitors {
  readonly #clients = new Set<ClientState>();

  get count(): number {
    return this.#clients.size;
  }

  add(client: ClientState): void {
    this.#clients.add(client);
    client.isMonitor = true;
  }

  remove(client: ClientState): void {
    this.#clients.delete(client);
    client.isMonitor = false;
  }

  show(args: readonly Buffer[], client: ClientState, time: UnixTime): void {
    if (this.#clients.size === 0) return;
    const shown = shownArguments(args);
    // A line has at least the bytes that it shows: a monitor without room for them is not quoted for.
    const leastBytes = shown.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const takers = [...this.#clients].filter(
      (monitor) => isShown(monitor) && monitor.output.takes(leastBytes),
    );
    if (takers.length === 0) return;
    const line = monitorLine(shown, args.length, client, time.nowUs());
    for (const { output } of takers) output.push(line);
  }
}

/** Whether CLIENT REPLY lets a monitor see lines; unlike messages of channels, Redis silences them. */
function isShown({ replies }: ClientState): boolean {
  return replies !== 'off' && replies !== 'skip';
}

/** The part of an argument that a line shows, and how many bytes of it are left out. */
interface ShownArgument {
  bytes: Buffer;
  hiddenBytes: number;
}

function shownArguments(args: readonly Buffer[]): ShownArgument[] {
  const shown: ShownArgument[] = [];
  let left = SHOWN_BYTES_MAX;
  for (const arg of args) {
    if (left <= 0) break;
    const bytes = arg.subarray(0, ARGUMENT_BYTES_MAX);
    // The quotes and the blank count as well, or a million empty arguments would cost nothing.
    left -= bytes.length + 3;
    shown.push({ bytes, hiddenBytes: arg.length - bytes.length });
  }
  return shown;
}

/** A monitor's line: `+1339518083.107412 [0 127.0.0.1:60866] "keys" "*"`. */
function monitorLine(
  shown: readonly ShownArgument[],
  argumentCount: number,
  { address }: ClientState,
  nowUs: number,
): Buffer {
  const seconds = Math.floor(nowUs / 1_000_000);
  const microseconds = String(nowUs % 1_000_000).padStart(6, '0');
  const parts: Uint8Array[] = [Buffer.from(`+${seconds}.${microseconds} [0 ${address}]`)];
  for (const { bytes, hiddenBytes } of shown) {
    parts.push(quoted(bytes));
    if (hiddenBytes > 0) parts.push(Buffer.from(`... (${hiddenBytes} more bytes)`));
  }
  const hiddenCount = argumentCount - shown.length;
  if (hiddenCount > 0) parts.push(Buffer.from(` ... (${hiddenCount} more arguments)`));
  parts.push(Buffer.from('\r\n'));
  return Buffer.concat(parts);
}

/** The letter behind the backslash, for bytes that have one. */
const ESCAPES = new Map(
  [
    ['\\', '\\'],
    ['"', '"'],
    ['\n', 'n'],
    ['\r', 'r'],
    ['\t', 't'],
    ['\x07', 'a'],
    ['\b', 'b'],
  ].map(([char, letter]) => [char!.charCodeAt(0), letter!.charCodeAt(0)]),
);
const BLANK = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** The most bytes that one byte takes when it is quoted: `\x00`. */
const QUOTED_BYTES_MAX = 4;

/** Quotes bytes as Redis' sdscatrepr does, behind a blank. */
function quoted(bytes: Buffer): Uint8Array {
  const target = Buffer.allocUnsafe(3 + QUOTED_BYTES_MAX * bytes.length);
  target[0] = BLANK;
  target[1] = QUOTE;
  let at = 2;
  for (const byte of bytes) {
    const letter = ESCAPES.get(byte);
    if (letter !== undefined) {
      target[at++] = BACKSLASH;
      target[at++] = letter;
    } else if (byte >= 0x20 && byte < 0x7f) target[at++] = byte;
    else at += target.write(`\\x${byte.toString(16).padStart(2, '0')}`, at, 'latin1');
  }
  target[at++] = QUOTE;
  return target.subarray(0, at);
}
