/** Runs `data base`, which asks a running server for a base, and shows how far that is until it is whole. */
import type { Clock, Timers } from '../../clock.js';
import { FastcacheError } from '../../errors.js';
import { countOfInfo, fieldsOfInfo } from '../../redis-client/info.js';
import { RedisSession } from '../../redis-client/session.js';
import { parseAddress } from '../../transport/address.js';
import type { Transport } from '../../transport/connection.js';
import { signalStatuses } from '../command/shutdown.js';
import { toJson } from '../terminal/json.js';
import type { Output } from '../terminal/output.js';
import { StatusLine } from '../terminal/status-line.js';
import { formatNumber, formatTime } from '../terminal/text.js';

/** The server to ask for a base, and the connection to it. */
export interface BaseInvocation {
  /** The server's Redis port, `host:port`. */
  endpoint: string;
  password: string | undefined;
  connectTimeoutMs: number;
  /** Its reason is the name of a process signal. */
  signal: AbortSignal;
  transport: Pick<Transport, 'connect'>;
  clock: Clock;
  timers: Timers;
  json: boolean;
  output: Output;
  terminal: NodeJS.WriteStream;
  /** Writes a note to stderr. */
  note(text: string): void;
}

/** Milliseconds between two looks at the server. */
const LOOK_MS = 100;

/**
 * Resolves with 0 when the base is whole and on the disk, with 1 when the server could not make it, and with
 * 130 or 143 after a signal, when the server goes on with it. Throws what `RedisSession` throws.
 */
export async function runBase(invocation: BaseInvocation): Promise<number> {
  const { endpoint, signal, clock, timers, json, output, terminal, note } = invocation;
  const session = new RedisSession({ ...invocation, address: parseAddress(endpoint) });
  const line = terminal.isTTY ? new StatusLine(terminal) : undefined;
  try {
    await session.open();
    const startUs = clock.monotonicUs();
    const elapsedMs = () => Math.round((clock.monotonicUs() - startUs) / 1000);
    await ask(session, note);
    for (;;) {
      const fields = fieldsOfInfo(await session.ask('INFO', 'persistence'));
      if (fields.get('rdb_bgsave_in_progress') !== '1') {
        line?.show('');
        const isMade = fields.get('rdb_last_bgsave_status') === 'ok';
        const savedAtSeconds = isMade ? countOfInfo(fields, 'rdb_last_save_time') : undefined;
        const savedAtMs = savedAtSeconds === undefined ? null : savedAtSeconds * 1000;
        const made = { endpoint, isMade, savedAtMs, durationMs: elapsedMs() };
        await output.write(json ? `${toJson(made)}\n` : outcomeText(made));
        return isMade ? 0 : 1;
      }
      if (signal.aborted) {
        line?.show('');
        note(`${endpoint} goes on with its base; nobody waits for it any more`);
        return signalStatuses[signal.reason as keyof typeof signalStatuses];
      }
      line?.show(progressText(fields, elapsedMs()));
      await new Promise<void>((resolve) => timers.after(LOOK_MS, resolve));
    }
  } finally {
    line?.show('');
    session.close();
  }
}

/** Asks for a base; one that is being made will have all that was written before it is whole, too. */
async function ask(session: RedisSession, note: (text: string) => void): Promise<void> {
  try {
    await session.ask('BGSAVE');
  } catch (error) {
    const isUnderWay = error instanceof FastcacheError && /save already in progress/.test(error.message);
    if (!isUnderWay) throw error;
    note('A base is being made already: this waits for that one.');
  }
}

function progressText(fields: ReadonlyMap<string, string>, elapsedMs: number): string {
  const done = countOfInfo(fields, 'current_save_keys_processed') ?? 0;
  const total = countOfInfo(fields, 'current_save_keys_total') ?? 0;
  const keys = total > 0 ? `${formatNumber(done)} of ${formatNumber(total)} keys, ` : '';
  return `making a base: ${keys}${(elapsedMs / 1000).toFixed(1)} s`;
}

function outcomeText({
  endpoint,
  isMade,
  savedAtMs,
  durationMs,
}: {
  endpoint: string;
  isMade: boolean;
  savedAtMs: number | null;
  durationMs: number;
}): string {
  const at = savedAtMs === null ? '' : ` at ${formatTime(BigInt(savedAtMs))}`;
  return isMade
    ? `${endpoint} has a new base, whole${at} (${formatNumber(durationMs)} ms).\n`
    : `${endpoint} could not make a base: its log says why, and INFO persistence whether its disk takes writes.\n`;
}
