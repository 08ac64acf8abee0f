/**
 * Commands about clients and the server without a server around them: a client's words find their row in the
 * table and run, as the gate would have it, and the bytes of the reply are compared with those of a
 * redis-server for the same words.
 */
import { expect } from 'vitest';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import { Guesses } from '../../src/replication/link/guesses.js';
import { ClientState } from '../../src/resp/client-state.js';
import type { CommandHost, FailoverHost, ReplicationHost } from '../../src/resp/command-host.js';
import { CommandStatistics } from '../../src/resp/command-statistics.js';
import { commandTable } from '../../src/resp/commands/index.js';
import { NOT_DURABLE } from '../../src/resp/durability.js';
import { splitInline } from '../../src/resp/inline.js';
import { Later } from '../../src/resp/later.js';
import { memoryFacts } from '../../src/resp/memory-facts.js';
import { PubSub } from '../../src/resp/pubsub/pubsub.js';
import { encodeReply, Failure, NO_REPLY, OK, type Protocol, type Reply } from '../../src/resp/reply.js';
import type { Settings } from '../../src/resp/settings.js';
import { Slowlog } from '../../src/resp/slowlog.js';
import { UnixTime } from '../../src/resp/unix-time.js';
import { newEngine, StandingClock } from './engines.js';
import { answersTo } from './raw-answers.js';
import { RedisServer } from './redis.js';
import { RespClient, respCommand } from './resp-client.js';
import { newSettings, type TestSettings } from './settings.js';
import { newTracking } from './tracking.js';
import { seededRandom } from './virtual-world.js';

export class ServerHost {
  readonly clock = new StandingClock();
  readonly settings: Settings;
  readonly statistics = new CommandStatistics(() => []);
  readonly slowlog: Slowlog;
  readonly engine: ShardEngine = newEngine({ clock: this.clock });
  /** The clients that are connected. */
  clients: ClientState[] = [];
  /** The acts on clients and the server, in order. */
  readonly deeds: string[] = [];
  /** Of a replica. */
  primary: { host: string; port: number } | undefined;
  /** Replicas that have acknowledged everything. */
  acknowledged = 0;
  /** How far a failover is. */
  failoverState: FailoverHost['state'] = 'no-failover';
  /** Why a failover does not begin. */
  failoverRefusal: string | undefined;
  /** Bytes that wait, of all clients. */
  clientBytes = 0;
  readonly #host: CommandHost;

  constructor(settings: TestSettings = {}) {
    this.settings = newSettings({ maxValueBytes: 512 * 1024 * 1024, ...settings });
    this.slowlog = new Slowlog({ settings: this.settings, clock: this.clock });
    const { clock, statistics, slowlog, deeds } = this;
    this.#host = {
      clock,
      random: seededRandom(1),
      statistics,
      slowlog,
      time: new UnixTime(clock),
      guesses: new Guesses(clock),
      settings: this.settings,
      engine: () => this.engine,
      tracking: newTracking(() => this.engine),
      replication: this.#replication(),
      durability: NOT_DURABLE,
      situation: {
        isLoading: false,
        isStale: false,
        lacksReplicas: false,
        diskFault: undefined,
        isReadOnly: false,
        paused: undefined,
      },
      clients: {
        list: () => this.clients,
        kill: (client) => {
          deeds.push(`kill ${client.id}`);
          this.clients = this.clients.filter((other) => other !== client);
        },
        pause: (untilMs, scope) => deeds.push(`pause ${scope} ${untilMs - clock.nowMs()}`),
        unpause: () => deeds.push('unpause'),
        addMonitor: ({ id }) => deeds.push(`monitor ${id}`),
        removeMonitor: ({ id }) => deeds.push(`no monitor ${id}`),
        unblock: ({ id }, reason) => {
          deeds.push(`unblock ${id} ${reason}`);
          return id === 2;
        },
        memoryOf: () => ({ inputBytes: 0, argumentBytes: 0, replyBytes: 0, outputBytes: 0 }),
      },
      startedAtSeconds: 1_700_000_000,
      memory: () =>
        memoryFacts({
          engine: this.engine,
          peakBytes: 0,
          clientBytes: this.clientBytes,
          backlogBytes: 0,
          scripts: undefined,
        }),
      pubsub: new PubSub((pattern, text) => this.engine.keyspace.matches(pattern, text)),
      events: { isOn: false } as unknown as CommandHost['events'],
      scripts: { runner: undefined, load: () => {} } as unknown as CommandHost['scripts'],
      info: (sections: readonly string[]) => `# ${sections.join(' ')}`,
      shutdown: () => deeds.push('shutdown'),
    } as Partial<CommandHost> as CommandHost;
  }

  newClient({ id = 1, protocol = 2 }: { id?: number; protocol?: Protocol } = {}): ClientState {
    const client = new ClientState({
      id,
      address: `127.0.0.1:${50_000 + id}`,
      localAddress: '127.0.0.1:6380',
      nowMs: this.clock.nowMs(),
      isAuthenticated: !this.settings.hasPassword,
    });
    client.protocol = protocol;
    this.clients = [...this.clients, client];
    return client;
  }

  run(args: readonly Buffer[], client: ClientState): Reply | Later {
    const found = commandTable.resolve(args);
    if (found instanceof Failure) return found;
    client.lastCommand = found.fullName;
    return found.command.forbidden ?? found.command.run!({ args, client, host: this.#host });
  }

  /** The bytes of what is answered to a line, as redis-cli reads lines; nothing to what still waits. */
  answer(line: string, client: ClientState): string {
    let reply: Reply | Later = this.run(wordsOf(line), client);
    if (reply instanceof Later) {
      const later = reply;
      reply = NO_REPLY;
      later.start((answer) => {
        reply = answer;
      });
    }
    return encodeReply(reply, client.protocol).toString('latin1');
  }

  #failover(): FailoverHost {
    const state = () => this.failoverState;
    return {
      get state() {
        return state();
      },
      lastFault: undefined,
      begin: ({ to, timeoutMs, isForced }) => {
        this.deeds.push(`failover ${to} ${timeoutMs} ${isForced}`);
        return this.failoverRefusal;
      },
      abort: () => 'No failover in progress.',
      takeOver: (timeoutMs) =>
        new Later((answer) => {
          this.deeds.push(`take over ${timeoutMs}`);
          answer(OK);
          return () => {};
        }),
    };
  }

  #replication(): ReplicationHost {
    const primary = () => this.primary;
    return {
      get isReplica() {
        return primary() !== undefined;
      },
      get primary() {
        return primary();
      },
      isRefusing: false,
      failover: this.#failover(),
      lacksData: false,
      keepRole: () => undefined,
      backlogBytes: 0,
      sendMessage: ({ channel, payload }) => {
        this.deeds.push(`message ${channel} ${payload}`);
        return undefined;
      },
      roleReply: () => ['role'],
      promote: () => this.deeds.push('promote'),
      follow: ({ host, port }) => this.deeds.push(`follow ${host} ${port}`),
      wait: (replicas, timeoutMs) =>
        new Later((done) => {
          this.deeds.push(`wait ${replicas} ${timeoutMs}`);
          if (this.acknowledged >= replicas) done(this.acknowledged);
          return () => {};
        }),
      waitForDisks: () =>
        new Later((done) => {
          done([0, 0]);
          return () => {};
        }),
    };
  }
}

export function wordsOf(line: string): Buffer[] {
  return splitInline(Buffer.from(line, 'latin1'))!;
}

/** A redis-server with one database, as ours has. */
export class RedisOracle {
  readonly address: string;

  private constructor(address: string) {
    this.address = address;
  }

  static async start(...args: string[]): Promise<RedisOracle> {
    const { port } = await RedisServer.start('--databases', '1', ...args);
    return new RedisOracle(`127.0.0.1:${port}`);
  }

  /** One client's lines are answered as redis-server answers them. */
  async expectAlike(
    lines: readonly string[],
    host = new ServerHost(),
    protocol: Protocol = 2,
  ): Promise<void> {
    const hello = respCommand('HELLO', String(protocol));
    // Redis' client has a number of its own, which replies show.
    const commands = [
      hello,
      respCommand('CLIENT', 'ID'),
      ...lines.map((line) => respCommand(...wordsOf(line))),
    ];
    const { answer } = await answersTo(this.address, Buffer.concat(commands));
    const [, id, rest] = /modules\r\n\*0\r\n:(\d+)\r\n([\s\S]*)\$23\r\n/.exec(answer)!;
    const client = host.newClient({ id: Number(id), protocol });
    expect(lines.map((line) => host.answer(line, client)).join('')).toBe(rest);
  }

  /** Returns the answers to a new client, line by line. */
  async answers(lines: readonly string[]): Promise<string[]> {
    const client = await RespClient.connect(this.address);
    const answers: string[] = [];
    for (const line of lines) {
      const came = new Promise<string>((resolve) => {
        client.socket.once('data', (bytes: Buffer) => resolve(bytes.toString('latin1')));
      });
      client.write(respCommand(...wordsOf(line)));
      answers.push(await came);
    }
    client.close();
    return answers;
  }
}
