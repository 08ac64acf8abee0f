/**
 * The Redis-protocol server (docs/architecture.md, "The corridor"; docs/redis.md): the listener, the
 * connected clients, and what holds for all of them at once (pauses, monitors, idle clients).
 */
import type { Clock, Random, Timer, Timers } from '../clock.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import { FRAME_MAGIC } from '../frame/header.js';
import type { ChannelMessage } from '../frame/messages.js';
import { MODE_OVER_LIMIT } from '../kernel/layout.js';
import { HELLO_DEADLINE_MS } from '../limits.js';
import { Guesses } from '../replication/link/guesses.js';
import { StrangerLog } from '../replication/link/stranger-log.js';
import type { Log } from '../replication/log.js';
import type { AcceptedClient } from '../transport/client-port.js';
import { type ClientAddresses, ClientPorts } from '../transport/client-ports.js';
import type { Connection } from '../transport/connection.js';
import { Client, type ClientHost, kernelMode } from './client.js';
import { ClientPause } from './client-pause.js';
import { ClientState, isIdleSince } from './client-state.js';
import { buffersOf, type ClientBuffers, type Traffic, trafficOf } from './client-totals.js';
import { type CommandFigures, commandFigures } from './command-figures.js';
import type { ClientMemory, ClientRegistry, CommandHost, ReplicationHost } from './command-host.js';
import { CommandStatistics } from './command-statistics.js';
import { CommandWindow } from './command-window.js';
import { commandTable } from './commands/index.js';
import { releaseWatched } from './commands/transactions.js';
import type { Durability } from './durability.js';
import { Gate } from './gate.js';
import { kernelCounts, kernelLatencies, kernelTotals } from './kernel-counts.js';
import { KeyspaceEvents } from './keyspace-events.js';
import { Latencies } from './latencies.js';
import { LongBuffers } from './long-buffers.js';
import { type MemoryFacts, memoryFacts } from './memory-facts.js';
import { Monitors } from './monitors.js';
import { storeGlob } from './pubsub/channel-pattern.js';
import { PubSub } from './pubsub/pubsub.js';
import { errorBytes, Failure, Raw } from './reply.js';
import { ReplyTurn } from './reply-turn.js';
import { Scripts } from './scripts/scripts.js';
import { KEEP_ALIVE_SECONDS } from './setting-facts.js';
import type { Settings } from './settings.js';
import { type OuterSituation, situationOf } from './situation.js';
import { Slowlog } from './slowlog.js';
import { Tracking } from './tracking/tracking.js';
import { UnixTime } from './unix-time.js';

/** Milliseconds between looks for clients that are idle or do not read, and between samples of rates. */
const CHECK_MS = 250;

/** The memory of a client that is gone. */
const NO_MEMORY: ClientMemory = { inputBytes: 0, argumentBytes: 0, replyBytes: 0, outputBytes: 0 };

/** The options of the server, and the parts that it works with. */
export interface RespServerOptions extends ClientAddresses {
  clock: Clock;
  timers: Timers;
  random: Random;
  log: Log;
  /** The present store; a replica's store changes with each snapshot. */
  engine(): ShardEngine;
  settings: Settings;
  replication: ReplicationHost;
  situation: OuterSituation;
  /** Hands the frames of what was written until now to the replicas; called before clients are answered. */
  publish(): void;
  /** Until when the writes of this turn may be acknowledged, monotonic microseconds; Infinity: for good. */
  answersUntilUs(): number;
  durability: Durability;
  info(server: RespServer, sections: readonly string[]): string;
  shutdown(): void;
  /** Takes the connection of a replica, which has come on the port of clients. */
  acceptReplica(connection: Connection): void;
}

/** Listens to clients of the Redis protocol. */
export class RespServer {
  readonly statistics: CommandStatistics;
  readonly scripts: Scripts;
  readonly tracking: Tracking;
  readonly pubsub: PubSub;
  /** Unix seconds at which the server was made. */
  readonly startedAtSeconds: number;
  readonly #options: RespServerOptions;
  /** The ports that are open once `listen` has resolved. */
  readonly ports: ClientPorts;
  readonly #host: CommandHost;
  readonly #gate: Gate;
  readonly #clientHost: ClientHost;
  readonly #events: KeyspaceEvents;
  readonly #monitors = new Monitors();
  readonly #strangers: StrangerLog;
  /** The connected clients; `gone` resolves when one has disconnected. */
  readonly #clients = new Map<ClientState, { client: Client; gone: Promise<void> }>();
  #window: CommandWindow | undefined;
  readonly #pause: ClientPause;
  #check: Timer;
  #nextId = 1;

  constructor(options: RespServerOptions) {
    this.#options = options;
    this.startedAtSeconds = Math.floor(options.clock.nowMs() / 1000);
    this.#strangers = new StrangerLog(options.log, options.timers);
    this.statistics = new CommandStatistics(
      () => kernelCounts(this.#countedWindow().engine),
      () => kernelTotals(this.#countedWindow().engine, this.#countedWindow().spentUs),
      new Latencies({
        rows: () => kernelLatencies(this.#countedWindow().engine),
        forget: () => this.#countedWindow().engine.kernel.exports.forgetLatency(),
      }),
    );
    options.settings.onChange((name) => {
      if (name === 'latency-tracking') this.#countedWindow().forgetUntimed();
    });
    this.ports = this.#clientPorts();
    const warn = (kind: string, message: string) => this.#strangers.warn(kind, message);
    this.pubsub = new PubSub(storeGlob(options.engine, warn));
    const turn = new ReplyTurn(options.clock, options.timers, {
      ...options,
      broadcast: () => this.tracking.broadcast(),
      isHeld: () => this.#suspendedScript?.isBusy === false,
    });
    this.tracking = new Tracking({ ...options, planEndOfTurn: () => turn.plan() });
    this.scripts = new Scripts(() => this.#host, {
      suspended: () => this.#freeze(),
      released: () => {
        this.#freeze();
        turn.end();
        this.#retryAll();
      },
    });
    this.#pause = new ClientPause(options.clock, options.timers, () => this.#unpause());
    this.#events = new KeyspaceEvents({ ...options, pubsub: this.pubsub });
    this.#host = this.#commandHost();
    this.#gate = new Gate({
      table: commandTable,
      host: this.#host,
      monitors: this.#monitors,
      runInKernel: (args, client) => this.#runInKernel(args, client),
      warn,
    });
    this.#clientHost = {
      gate: this.#gate,
      limits: options.settings,
      longBuffers: new LongBuffers(),
      turn,
      tracking: this.tracking,
      window: () => this.#currentWindow(),
      outputLimit: ({ isMonitor, subscriptions }) =>
        options.settings.outputLimit(isMonitor || subscriptions !== undefined ? 'pubsub' : 'normal'),
      clock: options.clock,
      warn,
    };
    this.#check = this.#planCheck();
  }

  /** Resolves when the server listens. Throws PORT_TAKEN, LISTEN_FAILED. */
  listen(): Promise<void> {
    return this.ports.listen();
  }

  /** The port that is really listened on, and without a plain one that of TLS. */
  get port(): number {
    return this.ports.portFor(false);
  }

  /** Whether clients are paused, or a script is suspended: then a store that replaces this one is frozen. */
  get isFrozen(): boolean {
    return this.#pause.scope !== undefined || this.#suspendedScript !== undefined;
  }

  get clients(): readonly ClientState[] {
    return [...this.#clients.keys()];
  }

  /** Whether a script has begun and not ended, with writes that are still to come perhaps. */
  get isRunningScript(): boolean {
    return this.#suspendedScript !== undefined;
  }

  /** Postpones commands that may write, whatever CLIENT UNPAUSE says, or ends that. */
  holdWrites(areHeld: boolean): void {
    this.#pause.holdWrites(areHeld);
    this.#freeze();
    if (!areHeld) this.#retryAll();
  }

  /** Closes a client at once; one whose command is being run is closed behind its reply. */
  kill(state: ClientState): void {
    state.leaves = true;
    this.#clients.get(state)?.client.destroy();
  }

  /** Turns to the present store, once it has replaced another one. */
  storeReplaced(): void {
    this.#currentWindow();
  }

  /** Sends a message that came from the primary to the subscribers here, behind the events before it. */
  deliver(message: ChannelMessage): void {
    this.#events.deliver();
    this.pubsub.send(message);
  }

  /** The bytes that clients have sent and were sent, with those of clients that have left. */
  get traffic(): Traffic {
    return trafficOf(this.#clients.keys(), this.statistics);
  }

  /** The figures of its commands, with so many of the slow ones at most. */
  figures(slowCount: number): CommandFigures {
    return commandFigures(this.statistics, this.#host.slowlog, slowCount);
  }

  /** The bytes that wait for clients at present. */
  get clientBuffers(): ClientBuffers {
    return buffersOf(this.#clients);
  }

  /** The facts about the memory. */
  get memory(): MemoryFacts {
    const { engine, replication } = this.#options;
    return memoryFacts({
      engine: engine(),
      peakBytes: this.statistics.peakMemoryBytes,
      clientBytes: this.clientBuffers.bytes,
      backlogBytes: replication.backlogBytes,
      scripts: this.scripts.runner,
    });
  }

  /** Stops accepting, sends the replies that are ready, and closes every client. */
  async close(): Promise<void> {
    this.#check.cancel();
    this.#strangers.stop();
    this.ports.close();
    await this.scripts.runner?.finish();
    this.#endPause();
    const clients = [...this.#clients.values()];
    for (const { client } of clients) client.end();
    await Promise.all(clients.map(({ gone }) => gone));
  }

  #currentWindow(): CommandWindow {
    const engine = this.#options.engine();
    if (this.#window?.engine !== engine) {
      if (this.#window !== undefined) this.statistics.kernelGoes();
      const { clock, settings } = this.#options;
      this.#window = new CommandWindow(engine, clock, settings, this.#events);
      this.#events.attach(engine);
      this.tracking.follow();
    }
    return this.#window;
  }

  /** The window in which commands have run so far, perhaps that of a store that is about to be replaced. */
  #countedWindow(): CommandWindow {
    return this.#window ?? this.#currentWindow();
  }

  #clientPorts(): ClientPorts {
    const { settings, timers, acceptReplica } = this.#options;
    return new ClientPorts(this.#options, {
      timers,
      keepAliveSeconds: KEEP_ALIVE_SECONDS,
      magic: FRAME_MAGIC,
      deadlineMs: HELLO_DEADLINE_MS,
      refusal: errorBytes('ERR max number of clients reached'),
      isFull: () => this.#clients.size >= settings.maxClients,
      onConnection: () => {
        this.statistics.connections += 1;
      },
      onClient: (accepted) => this.#accept(accepted),
      onPeer: acceptReplica,
      onRefused: () => {
        this.statistics.rejectedConnections += 1;
      },
      warn: (kind, message) => this.#strangers.warn(kind, message),
    });
  }

  #accept({ address, localAddress, read }: AcceptedClient): void {
    const { settings, clock } = this.#options;
    const state = new ClientState({
      id: this.#nextId,
      address,
      localAddress,
      nowMs: clock.nowMs(),
      isAuthenticated: !settings.hasPassword,
    });
    this.#nextId += 1;
    const client = new Client(state, this.#clientHost, read);
    const gone = client.gone.then(() => this.#forget(state));
    this.#clients.set(state, { client, gone });
  }

  #forget(state: ClientState): void {
    this.#clients.delete(state);
    this.#monitors.remove(state);
    this.pubsub.forget(state);
    this.statistics.inputBytes += state.readBytes;
    this.statistics.outputBytes += state.writtenBytes;
    releaseWatched(state);
  }

  /** Runs what the gate has let through, which has made room for it or its transaction or script. */
  #runInKernel(args: readonly Buffer[], client: ClientState): Raw {
    const reply = this.#currentWindow().runSingle(args, kernelMode(client) | MODE_OVER_LIMIT);
    if (reply === undefined) throw new Error(`the kernel does not know ${args[0]}`);
    return new Raw(reply);
  }

  #commandHost(): CommandHost {
    const { clock, timers, random, engine, settings, replication, log, info, shutdown } = this.#options;
    return {
      clock,
      timers,
      random,
      engine,
      settings,
      replication,
      durability: this.#options.durability,
      clients: this.#registry(),
      tracking: this.tracking,
      pubsub: this.pubsub,
      events: this.#events,
      statistics: this.statistics,
      slowlog: new Slowlog({ settings, clock }),
      time: new UnixTime(clock),
      guesses: new Guesses(clock),
      info: (sections) => info(this, sections),
      situation: situationOf(this.#options, () => this.#pause.scope),
      scripts: this.scripts,
      log,
      startedAtSeconds: this.startedAtSeconds,
      memory: () => this.memory,
      execute: (args, client) => this.#gate.execute(args, client),
      callFromScript: (args, run) => this.#gate.callFromScript(args, run),
      isCommand: (args) => !(commandTable.resolve(args) instanceof Failure),
      shutdown,
    };
  }

  #registry(): ClientRegistry {
    return {
      list: () => this.clients,
      kill: (state) => this.kill(state),
      pause: (untilMs, scope) => {
        this.#pause.until(untilMs, scope);
        this.#freeze();
      },
      unpause: () => this.#unpause(),
      addMonitor: (state) => this.#monitors.add(state),
      removeMonitor: (state) => this.#monitors.remove(state),
      unblock: (state, reason) => this.#clients.get(state)?.client.unblock(reason) ?? false,
      memoryOf: (state) => this.#clients.get(state)?.client.memory() ?? NO_MEMORY,
    };
  }

  #unpause(): void {
    this.#endPause();
    this.#retryAll();
  }

  /** Tries again the commands that were postponed. */
  #retryAll(): void {
    for (const { client } of this.#clients.values()) client.retry();
  }

  get #suspendedScript(): { readonly isBusy: boolean } | undefined {
    return this.scripts.runner?.suspended;
  }

  /** Has the store frozen, or not, as pauses and scripts want it. */
  #freeze(): void {
    this.#options.engine().setFrozen(this.isFrozen);
  }

  #endPause(): void {
    this.#pause.end();
    this.#freeze();
  }

  #planCheck(): Timer {
    return this.#options.timers.after(CHECK_MS, () => {
      this.tracking.keepHouse();
      const { clock, settings } = this.#options;
      const nowMs = clock.nowMs();
      this.statistics.sample({ nowMs, ...this.traffic, usedMemoryBytes: this.#options.engine().usedBytes() });
      const idleSinceMs = nowMs - (settings.idleTimeoutSeconds || Number.POSITIVE_INFINITY) * 1000;
      for (const [state, { client }] of this.#clients) {
        if (isIdleSince(state, idleSinceMs)) client.end();
        // A client that reads nothing is sent nothing either, and its limit is checked on sending otherwise.
        client.checkOutput();
      }
      this.#check = this.#planCheck();
    });
  }
}
