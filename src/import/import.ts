/**
 * Follows a live Redis primary as its replica would, and does what it does in another server: all its strings
 * first, then the stream of its commands, until the clients move over or for ever.
 */
import { RdbReader } from '../dump/rdb/rdb-reader.js';
import { toolKernel } from '../engine/tool-kernel.js';
import { FastcacheError } from '../errors.js';
import { decodeSnapshotEntries } from '../frame/snapshot.js';
import { RedisClient } from '../redis-client/client.js';
import { serverError } from '../redis-client/connect.js';
import { countOfInfo, fieldsOfInfo } from '../redis-client/info.js';
import { formatAddress, parseAddress } from '../transport/address.js';
import { CommandReader } from './command-reader.js';
import { countOf, noCounts } from './counts.js';
import { Graces } from './graces.js';
import type { ImportOptions, ImportProgress, ImportResult } from './options.js';
import { type ReplicationPlace, SourceLink } from './source-link.js';
import { keyCount, sweep } from './target-keys.js';
import { Translator } from './translate.js';

const TICK_MS = 1_000;
const RECONNECT_MS = { least: 200, most: 5_000 };
/** A copy that lacks no more than this is about to have everything. */
const NEAR_BYTES = 1_048_576;
/** A pause for the cut-over is given up when the copy is not complete within this share of it. */
const CUT_OVER_SHARE = 0.5;
/** Expired keys go at their own time on either side: counts are compared so often. */
const COMPARISONS = 20;

/** The codes of a source that is away; it may come back. */
const LOSSES = new Set<string>(['CONNECTION_LOST', 'PEER_SILENT', 'PRIMARY_UNREACHABLE', 'TLS_FAILED']);

/** Signals that all content is to be taken anew. */
class Resync extends Error {}

/** One import. */
export class Import {
  readonly #options: ImportOptions;
  readonly #counts = noCounts();
  readonly #translator: Translator;
  readonly #graces: Graces;
  #target!: RedisClient;
  /** A client of the source, for questions; it lives as long as the link. */
  #questions: RedisClient | undefined;
  #link: SourceLink | undefined;
  #place: ReplicationPlace | undefined;
  #phase: ImportProgress['phase'] = 'connecting';
  #fileRead = 0;
  #lagBytes: number | undefined;
  #isInTransaction = false;
  /** Whether the target may hold what the source does not. */
  #hasStrays = false;
  #isCutOverAsked: boolean;
  #result: ImportResult | undefined;

  constructor(options: ImportOptions) {
    this.#options = options;
    this.#translator = new Translator(options.source.database);
    this.#graces = new Graces(options.clock);
    this.#isCutOverAsked = options.cutsOver;
  }

  /** Has the clients move over as soon as the target has everything. */
  cutOver(): void {
    this.#isCutOverAsked = true;
  }

  /**
   * Imports until the cut-over, or until `signal`, and says what was done. Throws `TARGET_NOT_EMPTY`,
   * `RDB_OTHER_TYPES`, `CUT_OVER_FAILED`, `PRIMARY_UNREACHABLE` when the source cannot be reached at first,
   * and what a lost target or a refusal throws.
   */
  async run(): Promise<ImportResult> {
    const { to, password, connectTimeoutMs, targetTransport: transport, timers, signal } = this.#options;
    this.#target = await RedisClient.open({
      transport,
      address: parseAddress(to),
      connectTimeoutMs,
      password,
      timers,
      onRefusal: (words, command) => this.#refused(words, command),
    });
    const onAbort = () => {
      this.#link?.close();
      this.#questions?.close();
    };
    signal.addEventListener('abort', onAbort);
    try {
      await this.#refuseContent();
      let pauseMs = RECONNECT_MS.least;
      while (this.#result === undefined && !signal.aborted) {
        try {
          await this.#session(() => {
            pauseMs = RECONNECT_MS.least;
          });
        } catch (error) {
          if (signal.aborted) break;
          if (!this.#mayGoOn(error)) throw error;
          await new Promise<void>((resolve) => timers.after(pauseMs, resolve));
          pauseMs = Math.min(2 * pauseMs, RECONNECT_MS.most);
        } finally {
          this.#link?.close();
          this.#questions?.close();
        }
      }
      if (this.#result === undefined && !this.#isInTransaction) this.#pushAll(this.#graces.settled());
      await this.#target.drain();
      return this.#result ?? { counts: this.#counts, keys: undefined, pausedUntilMs: undefined };
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#target.close();
    }
  }

  async #refuseContent(): Promise<void> {
    const keys = await keyCount(this.#target);
    if (keys === 0) return;
    if (!this.#options.isReplacing) {
      const message = `The server at ${this.#options.to} holds ${keys} keys; \`replace\` replaces them by what the source has.`;
      throw new FastcacheError('TARGET_NOT_EMPTY', message, { address: this.#options.to, found: keys });
    }
    this.#hasStrays = true;
  }

  /** Whether a session that has ended so is followed by another one. */
  #mayGoOn(error: unknown): boolean {
    if (error instanceof Resync) {
      this.#place = undefined;
      return true;
    }
    const isLost =
      error instanceof FastcacheError &&
      error.address === formatAddress(this.#options.source.address) &&
      (LOSSES.has(error.code) || /\b(LOADING|NOMASTERLINK|MASTERDOWN)\b/.test(error.message));
    if (!isLost || this.#counts.fullSyncs === 0 || this.#phase === 'cutting over') return false;
    this.#options.onEvent?.(`${error.message} Connecting again.`);
    this.#phase = 'connecting';
    return true;
  }

  /** One connection to the source, until it is lost or the import ends. */
  async #session(onSynced: () => void): Promise<void> {
    const { source, sourceTransport: transport, connectTimeoutMs, timers, signal } = this.#options;
    const { address, user, password, database } = source;
    const way = { transport, address, connectTimeoutMs, password, user, timers };
    this.#link = await SourceLink.open(way);
    this.#questions = await RedisClient.open(way);
    if (database !== 0) await this.#questions.ask('SELECT', `${database}`);
    const resumption = await this.#link.resume(this.#place);
    if (resumption.kind === 'full') await this.#takeAll(this.#link, resumption.place);
    else {
      this.#place!.id = resumption.id ?? this.#place!.id;
      this.#counts.partialSyncs += 1;
    }
    onSynced();
    this.#phase = 'following';
    const reader = new CommandReader();
    let tickUs = 0;
    while (!signal.aborted && this.#result === undefined) {
      const chunk = await this.#link.next(TICK_MS / 10);
      if (chunk !== undefined) await this.#takeChunk(reader, chunk);
      this.#target.flush();
      const nowUs = this.#options.clock.monotonicUs();
      if (nowUs < tickUs && !(this.#isCutOverAsked && chunk === undefined)) continue;
      tickUs = nowUs + TICK_MS * 1000;
      await this.#tick(reader);
    }
  }

  /** Takes the RDB file, and takes away what the target holds and the source does not. */
  async #takeAll(link: SourceLink, place: ReplicationPlace): Promise<void> {
    if (this.#isInTransaction) this.#push([Buffer.from('DISCARD')]);
    this.#isInTransaction = false;
    this.#place = undefined;
    this.#graces.clear();
    this.#graces.isBehind = true;
    this.#lagBytes = undefined;
    this.#phase = 'waiting';
    this.#progress();
    await link.beginFile();
    this.#phase = 'loading';
    await this.#load(link);
    if (this.#options.signal.aborted) return;
    await this.#target.drain();
    if (this.#hasStrays) await sweep(this.#target, this.#questions!, (args) => this.#push(args));
    // From now on the target may have keys that a later file lacks.
    this.#hasStrays = true;
    this.#place = place;
    this.#translator.begin();
    this.#counts.fullSyncs += 1;
    this.#options.onEvent?.(`${this.#counts.loaded} keys loaded; following the source.`);
  }

  async #load(link: SourceLink): Promise<void> {
    const { source } = this.#options;
    const kernel = toolKernel();
    const reader = new RdbReader({
      kernel,
      database: source.database,
      maxStringBytes: 512 * 1024 * 1024,
      expiredMs: 0,
      onEntries: (address, bytes, entryCount) => {
        // Keys near their expiry are noted, and outlive the call.
        const entries = Buffer.from(kernel.bytes.subarray(address, address + bytes));
        for (const entry of decodeSnapshotEntries(entries, entryCount)) {
          this.#push(this.#graces.ofEntry(entry));
        }
      },
    });
    try {
      this.#fileRead = 0;
      while (!reader.isDone) {
        if (this.#options.signal.aborted) return;
        const chunk = await link.next(60_000);
        if (chunk === undefined)
          throw new FastcacheError('PEER_SILENT', 'The source sends no more of its file.', {
            address: formatAddress(source.address),
          });
        const behind = reader.push(chunk);
        this.#fileRead = reader.offset;
        if (this.#target.isFull) await this.#target.room();
        this.#progress();
        if (reader.isDone) await link.endFile(chunk.subarray(chunk.length - behind));
      }
    } finally {
      reader.close();
    }
    const { strings, types, databases } = reader.counts;
    this.#counts.loaded += strings;
    for (const [name, count] of types) countOf(this.#counts.types, name, count);
    for (const [database, count] of databases) countOf(this.#counts.databases, `${database}`, count);
    this.#refuseOthers();
  }

  #refuseOthers(): void {
    const { types, databases } = this.#counts;
    if (this.#options.skipsOthers || types.size + databases.size === 0) return;
    const found = [
      ...Array.from(types, ([name, count]) => `${count} of the type ${name}`),
      ...Array.from(databases, ([database, count]) => `${count} in database ${database}`),
    ].join(', ');
    const message = `The source has keys that cannot be imported: ${found}. \`skipOthers\` leaves them out.`;
    throw new FastcacheError('RDB_OTHER_TYPES', message);
  }

  async #takeChunk(reader: CommandReader, chunk: Buffer): Promise<void> {
    for (const { args, bytes } of reader.push(chunk)) {
      this.#place!.offset += bytes;
      this.#take(args);
      if (this.#target.isFull) await this.#target.room();
    }
  }

  #take(args: readonly Buffer[]): void {
    const name = args[0]?.toString('latin1').toUpperCase() ?? '';
    if (name === 'REPLCONF') this.#acknowledge();
    const translation = this.#translator.translate(name, args);
    if (translation.kind === 'resync') {
      this.#options.onEvent?.(`${name} brings keys of another database: all are taken anew.`);
      throw new Resync();
    }
    if (translation.kind === 'nothing') return;
    if (translation.kind === 'foreign') {
      if (!this.#counts.foreign.has(name))
        this.#options.onEvent?.(`${name} is left out: it is not about strings.`);
      countOf(this.#counts.foreign, name);
    } else this.#counts.commands += 1;
    if (name === 'MULTI') this.#isInTransaction = true;
    if (name === 'EXEC') this.#isInTransaction = false;
    for (const command of translation.commands) this.#push(this.#graces.ofCommand(command));
    this.#pushAll(this.#graces.moved(name, args));
  }

  #pushAll(commands: readonly (readonly Uint8Array[])[]): void {
    for (const command of commands) this.#push(command);
  }

  #push(args: readonly Uint8Array[]): void {
    this.#target.push(args, this.#place?.offset ?? 0);
  }

  #refused(words: string, command: string): void {
    // A key that is renamed or copied may be of another type, and then it is not there.
    if (/^(RENAME|COPY|EXEC)/.test(command) && /no such key/.test(words)) return;
    countOf(this.#counts.refused, words);
  }

  /** Once a second: says how far it is, and sees how far the source is. */
  async #tick(reader: CommandReader): Promise<void> {
    const { offset } = this.#place!;
    this.#acknowledge();
    this.#lagBytes = Math.max(0, (await this.#sourceOffset()) - offset);
    this.#progress();
    this.#graces.isBehind = this.#lagBytes >= NEAR_BYTES;
    if (this.#graces.isBehind) return;
    if (!this.#isInTransaction) this.#pushAll(this.#graces.settled());
    if (this.#isCutOverAsked) await this.#cutOver(reader);
  }

  /** Says how far the target has followed. */
  #acknowledge(): void {
    const { offset } = this.#place!;
    this.#link!.acknowledge(this.#target.isIdle ? offset : Math.min(offset, this.#target.answeredPlace));
  }

  async #sourceOffset(): Promise<number> {
    const fields = fieldsOfInfo(String(await this.#questions!.ask('INFO', 'replication')));
    const name = fields.get('role') === 'slave' ? 'slave_repl_offset' : 'master_repl_offset';
    const offset = countOfInfo(fields, name);
    if (offset !== undefined) return offset;
    // Without it nobody knows whether all has come, and clients must not move.
    const { address } = this.#options.source;
    throw serverError(address, 'REPLY_MALFORMED', `has no ${name} in its INFO`);
  }

  /** Pauses the source's writes, takes what it still has, and compares the counts of keys. */
  async #cutOver(reader: CommandReader): Promise<void> {
    const { pauseMs, clock } = this.#options;
    const { foreign } = this.#counts;
    if (foreign.size > 0 && !this.#options.skipsOthers) {
      throw failed(`lacks what ${[...foreign.keys()].join(', ')} wrote; \`skipOthers\` leaves that out`);
    }
    this.#phase = 'cutting over';
    const questions = this.#questions!;
    await questions.ask('CLIENT', 'PAUSE', `${pauseMs}`, 'WRITE');
    const pausedAtMs = clock.nowMs();
    try {
      const end = await this.#sourceOffset();
      while (this.#place!.offset < end) {
        if (clock.nowMs() > pausedAtMs + pauseMs * CUT_OVER_SHARE) throw failed('is not complete in time');
        const chunk = await this.#link!.next(TICK_MS / 10);
        if (chunk !== undefined) await this.#takeChunk(reader, chunk);
        this.#lagBytes = Math.max(0, end - this.#place!.offset);
        this.#progress();
      }
      this.#pushAll(this.#graces.settled());
      await this.#target.drain();
      this.#link!.acknowledge(this.#place!.offset);
      const keys = await this.#compared(pausedAtMs + pauseMs * CUT_OVER_SHARE);
      this.#result = { counts: this.#counts, keys, pausedUntilMs: pausedAtMs + pauseMs };
    } catch (error) {
      await questions.ask('CLIENT', 'UNPAUSE').catch(() => {});
      throw error;
    }
  }

  /** Returns how many keys either side has. Throws `CUT_OVER_FAILED` when they differ. */
  async #compared(untilMs: number): Promise<number> {
    let difference = '';
    for (let round = 0; round < COMPARISONS && this.#options.clock.nowMs() < untilMs; round += 1) {
      const there = await keyCount(this.#questions!, 'string');
      const here = await keyCount(this.#target, 'string');
      if (there === here) return here;
      difference = `has ${here} keys, and the source has ${there} strings`;
      await new Promise<void>((resolve) => this.#options.timers.after(TICK_MS / 10, resolve));
    }
    throw failed(difference);
  }

  #progress(): void {
    this.#options.onProgress?.({
      phase: this.#phase,
      counts: this.#counts,
      fileRead: this.#fileRead,
      fileBytes: this.#link?.fileBytes,
      lagBytes: this.#lagBytes,
    });
  }
}

function failed(what: string): FastcacheError {
  const message = `Clients stay where they are, and the source's writes go on: the target ${what}.`;
  return new FastcacheError('CUT_OVER_FAILED', message);
}
