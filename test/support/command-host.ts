/**
 * Commands without a server around them: a client's words find their row and run against a real store, as the
 * gate would have it, and are compared with what redis-server answers to the same words.
 */
import { expect } from 'vitest';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import { wordOf } from '../../src/resp/arguments.js';
import { ClientState } from '../../src/resp/client-state.js';
import type { CommandHost } from '../../src/resp/command-host.js';
import { commandTable } from '../../src/resp/commands/index.js';
import { splitInline } from '../../src/resp/inline.js';
import { Later } from '../../src/resp/later.js';
import { encodeReply, Failure, type Protocol, Raw, type Reply, Status } from '../../src/resp/reply.js';
import { newEngine, StandingClock } from './engines.js';
import { answersTo } from './raw-answers.js';
import { RedisServer } from './redis.js';
import { respCommand } from './resp-client.js';
import { RespDriver } from './resp-driver.js';
import { newSettings } from './settings.js';
import { newTracking } from './tracking.js';

/** Redis' least. */
export const MAX_VALUE_BYTES = 1024 * 1024;

/** Commands that a transaction does not queue. */
const UNQUEUED = new Set(['multi', 'exec', 'discard', 'watch']);

export class TestCommandHost {
  readonly clock = new StandingClock();
  engine: ShardEngine;
  readonly #host: CommandHost;
  readonly #driver: RespDriver;

  constructor(maxMemoryBytes?: number) {
    this.engine = newEngine({
      clock: this.clock,
      maxValueBytes: MAX_VALUE_BYTES,
      ...(maxMemoryBytes !== undefined && { maxMemoryBytes }),
    });
    this.#driver = new RespDriver(this.engine);
    const host: Partial<CommandHost> = {
      clock: this.clock,
      engine: () => this.engine,
      settings: newSettings({ maxValueBytes: MAX_VALUE_BYTES }),
      tracking: newTracking(() => this.engine),
      execute: (args, client) => this.#execute(args, client),
    };
    this.#host = host as CommandHost;
  }

  newClient(protocol: Protocol = 2): ClientState {
    const client = new ClientState({
      id: 1,
      address: '127.0.0.1:1',
      localAddress: '127.0.0.1:2',
      nowMs: this.clock.ms,
      isAuthenticated: true,
    });
    client.protocol = protocol;
    return client;
  }

  /** The bytes of the reply. */
  answer(args: readonly Buffer[], client: ClientState): Buffer {
    return encodeReply(this.#pass(args, client), client.protocol);
  }

  #pass(args: readonly Buffer[], client: ClientState): Reply {
    if (client.transaction === undefined || UNQUEUED.has(wordOf(args, 0))) return this.#execute(args, client);
    client.transaction.queue.push(args);
    return new Status('QUEUED');
  }

  #execute(args: readonly Buffer[], client: ClientState): Reply {
    const found = commandTable.resolve(args);
    if (found instanceof Failure) return found;
    const { command } = found;
    if (command.run === undefined) return new Raw(this.#driver.run(respCommand(...args)).replies);
    const reply = command.run({ args, client, host: this.#host });
    if (reply instanceof Later) throw new Error('none of these commands waits');
    return reply;
  }
}

/** The words of a line, as redis-cli reads them: `"\x00"`, `''`. */
export function wordsOf(line: string): Buffer[] {
  return splitInline(Buffer.from(line, 'latin1'))!;
}

/** A redis-server with one database and short values. */
export class Oracle {
  readonly #address: string;

  private constructor(address: string) {
    this.#address = address;
  }

  static async start(): Promise<Oracle> {
    const limit = String(MAX_VALUE_BYTES);
    const { port } = await RedisServer.start('--databases', '1', '--proto-max-bulk-len', limit);
    return new Oracle(`127.0.0.1:${port}`);
  }

  /** Returns the answers of an empty server to these lines. */
  async answersTo(lines: readonly string[], protocol: Protocol = 2): Promise<string> {
    const before = [['FLUSHALL'], ['HELLO', String(protocol)], ['ECHO', 'from here']];
    const commands = [...before, ...lines.map(wordsOf)].map((args) => respCommand(...args));
    const { answer } = await answersTo(this.#address, Buffer.concat(commands));
    return answer.slice(answer.indexOf('from here\r\n') + 11, answer.lastIndexOf('$'));
  }

  /** One client's lines, sent to an empty store, are answered as Redis answers them. */
  async expectAlike(lines: readonly string[], protocol: Protocol = 2): Promise<void> {
    const host = new TestCommandHost();
    const client = host.newClient(protocol);
    const answers = lines.map((line) => host.answer(wordsOf(line), client).toString('latin1'));
    expect(answers.join('')).toBe(await this.answersTo(lines, protocol));
  }
}
