/** A replay over TCP, by the system's clock. */
import { systemClock, systemTimers } from '../clock.js';
import type { DumpSources } from '../dump/read/dump-reader.js';
import { type ReplayOptions, type ReplayResult, replayThrough } from '../replay/replay-dump.js';
import { tcpTransport } from '../transport/tcp.js';

/**
 * Replays dumps into a Redis-protocol server: records become SET, DEL, PEXPIREAT and PERSIST, and entries of
 * snapshots SET, with their expiries as they were. A later record may extend what has expired by now; such a
 * key is sent with a grace, and deleted in the end if nothing has extended it. A damaged dump is replayed up
 * to its damage, which is returned.
 *
 * Rejects with the faults that keep it from beginning: `NO_INPUT`, `BAD_OPTION`, `PRIMARY_UNREACHABLE`,
 * `PASSWORD_REFUSED`, `SERVER_REFUSED`, `READ_FAILED`; and with `WRITE_FAILED` for the state file.
 *
 * ```js
 * const { counts, fault } = await replayDump('dump.fcrp', { to: '127.0.0.1:6379' });
 * console.log(counts.records, 'records sent', fault?.message ?? '');
 * ```
 */
export function replayDump(sources: DumpSources, options: ReplayOptions): Promise<ReplayResult> {
  return replayThrough(
    { transport: tcpTransport, clock: systemClock, timers: systemTimers },
    sources,
    options,
  );
}
