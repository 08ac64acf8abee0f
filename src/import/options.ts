/** The options and the result of an import. */
import type { Clock, Timers } from '../clock.js';
import type { Transport } from '../transport/connection.js';
import type { ImportCounts } from './counts.js';
import type { RedisUrl } from './redis-url.js';

/** The source and the target of an import. */
export interface ImportOptions {
  source: RedisUrl;
  /** The server that takes it, `host:port`. */
  to: string;
  /** The password of that server; undefined: none is presented. */
  password: string | undefined;
  connectTimeoutMs: number;
  /** Whether the target's content is replaced; else the target must be empty. */
  isReplacing: boolean;
  /** Whether keys of other types, and in other databases, are left out; else they end the import. */
  skipsOthers: boolean;
  /** Whether clients move over as soon as the target has everything. */
  cutsOver: boolean;
  /** How long writes at the source stay paused from the moment of the cut-over, ms. */
  pauseMs: number;
  /** Ends the import when it is aborted. */
  signal: AbortSignal;
  sourceTransport: Pick<Transport, 'connect'>;
  targetTransport: Pick<Transport, 'connect'>;
  clock: Clock;
  timers: Timers;
  /** Called several times a second. */
  onProgress?: ((progress: ImportProgress) => void) | undefined;
  /** Called when something happens that is worth a line. */
  onEvent?: ((text: string) => void) | undefined;
}

/** How far an import is. */
export interface ImportProgress {
  phase: 'connecting' | 'waiting' | 'loading' | 'following' | 'cutting over';
  counts: ImportCounts;
  /** Bytes of the RDB file that have been read, and that it has; undefined where that is not known. */
  fileRead: number;
  fileBytes: number | undefined;
  /** Bytes of the stream that the target lacks; undefined before it is known. */
  lagBytes: number | undefined;
}

/** The result of an import. */
export interface ImportResult {
  counts: ImportCounts;
  /** Keys at the target after the cut-over; undefined: there was none. */
  keys: number | undefined;
  /** When writes at the source go on, Unix ms; undefined: there was no cut-over. */
  pausedUntilMs: number | undefined;
}
