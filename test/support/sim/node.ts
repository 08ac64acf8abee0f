/**
 * A server of a simulation: the node that ships, on virtual seams, in a process that can be paused, killed
 * and started again. This file has the events that it meets, and its reports to the oracle.
 */
import { join } from 'node:path';
import type { ShardEngine } from '../../../src/engine/shard-engine.js';
import { type ErrorCode, FastcacheError } from '../../../src/errors.js';
import type { LogEvent, NodeEvents } from '../../../src/server/events.js';
import { Node } from '../../../src/server/node.js';
import type { NodeFiles } from '../../../src/server/seams.js';
import type { Address } from '../../../src/transport/connection.js';
import { FrameReader } from '../frame-reader.js';
import { RandomSource } from '../random.js';
import type { VirtualDisk } from '../virtual-disk.js';
import { VirtualProcess } from '../virtual-process.js';
import { virtualSeams } from '../virtual-seams.js';
import type { VirtualConnection } from '../virtual-transport.js';
import type { VirtualWorld } from '../virtual-world.js';
import type { Configuration, Outcome } from './configuration.js';
import { SimConsumer } from './consumer.js';
import type { SimNetwork } from './network.js';
import { dataPath, nodeConfig, type Role } from './node-config.js';
import { NodeDisk } from './node-disk.js';
import { ObservedEngine } from './observed-engine.js';
import type { Held, Oracle } from './oracle.js';
import { checkOutputs } from './outputs-check.js';
import { checkBounds, leftoversOf, outcomesOf, type Running } from './running.js';

/** How a session may end where every peer is sound: a gap or a damaged frame is not among them. */
const expectedEnds: ReadonlyMap<ErrorCode, Outcome | undefined> = new Map([
  ['CONNECTION_LOST', undefined],
  ['PRIMARY_UNREACHABLE', undefined],
  ['PEER_SILENT', 'dead link'],
  ['HISTORY_DIFFERS', undefined],
  ['PRIMARY_LOADING', 'relay without content'],
  ['PRIMARY_BEHIND', 'relay behind'],
  ['REPLICATION_CYCLE', 'cycle'],
  ['EMPTY_SNAPSHOT', undefined],
  ['FOREIGN_HISTORY', 'foreign history'],
]);
/** How it may end where frames get lost. */
const gapEnds: ReadonlyMap<ErrorCode, Outcome | undefined> = new Map([
  ...expectedEnds,
  ['SEQUENCE_GAP', 'gap'],
  ['SNAPSHOT_OUT_OF_ORDER', 'gap'],
]);
/** The words that no log line has where every peer is sound. */
const ALARM = /cannot be read|failed|could not|handed on|is not saved|no sound entry|is not what it was/;

export interface SimSeams {
  world: VirtualWorld;
  network: SimNetwork;
  oracle: Oracle;
  configuration: Configuration;
  /** It belongs to this node alone. */
  random: RandomSource;
  disk: VirtualDisk;
  /** A replica of a primary that leaves gaps has stopped for good. */
  gaveUp(node: SimNode): void;
  /** Its process has died at an operation of its disk. */
  crashed(node: SimNode): void;
  /** Something worth counting has come about. */
  reached(outcome: Outcome): void;
}

export class SimNode {
  readonly address: Address;
  /** It keeps no content, but its outputs and how far they are, from one run to the next. */
  readonly isTap: boolean;
  /** Its data directory; undefined: it keeps nothing. */
  readonly data: NodeDisk | undefined;
  /** How often it was paused. */
  pauses = 0;
  readonly #log: string[] = [];
  #consumer: SimConsumer;
  #running: Running | undefined;
  /** The fault that must not have happened in it: `check` throws it. */
  #alarm: unknown;
  /** Whether it has published since the bounds were last checked. */
  #hasPublished = false;
  /** The reader of the frames that it publishes, while it leads. */
  #published: FrameReader | undefined;
  /** Its content when it was last checked, and how many keys it showed then. */
  #before: { held: Held | undefined; keys: number } = { held: undefined, keys: 0 };
  #clockOffMs: number;
  /** It was told to follow whom it follows, and has not been live there. */
  #isRequested = false;
  #isFresh = false;
  readonly #seams: SimSeams;

  constructor(port: number, isTap: boolean, seams: SimSeams) {
    this.address = { host: '127.0.0.1', port };
    this.isTap = isTap;
    this.#seams = seams;
    this.#consumer = new SimConsumer(seams.random);
    const { clockSkewMs, disks } = seams.configuration;
    this.data =
      disks &&
      new NodeDisk({
        configuration: disks,
        random: RandomSource.fork(seams.random.u32(), 'data'),
        oracle: seams.oracle,
        reached: seams.reached,
        crash: () => {
          this.kill();
          seams.crashed(this);
        },
      });
    this.#clockOffMs = clockSkewMs === 0 ? 0 : seams.random.between(-clockSkewMs, clockSkewMs);
  }

  get isUp(): boolean {
    return this.#running !== undefined;
  }

  /** It was asked to stop, and is not gone yet. */
  get isStopping(): boolean {
    return this.#running?.isStopping === true;
  }

  /** It was asked to stop, and all that it had is closed. */
  get isClosed(): boolean {
    return this.#running?.isClosed === true;
  }

  get isPaused(): boolean {
    return this.#running?.process.isPaused === true;
  }

  /** It serves, and was neither paused nor asked to stop. */
  get isWell(): boolean {
    return this.node !== undefined && !this.isPaused && !this.isStopping;
  }

  /** Its process is there, and does not serve yet. */
  get isStarting(): boolean {
    return this.#running !== undefined && this.#running.node === undefined;
  }

  /** Undefined while its process is down, and before it has started. */
  get node(): Node | undefined {
    return this.#running?.node;
  }

  get publisher() {
    return this.node?.leading?.publisher;
  }

  /** The store that is written to; undefined while it follows. */
  get primaryStore(): ObservedEngine | undefined {
    return this.publisher?.store as ObservedEngine | undefined;
  }

  /** The lines that it has logged, all its processes together. */
  get log(): readonly string[] {
    return this.#log;
  }

  /** Its content and the history of it; undefined while it leads. */
  held(): Held | undefined {
    const { store, history } = this.node?.following?.follower.holding ?? {};
    if (!(store instanceof ObservedEngine) || history === undefined) return undefined;
    return { store, historyId: history.id };
  }

  /** Watermarks of what it holds or has passed on; undefined: nothing. */
  watermarks(): bigint[] | undefined {
    return this.node?.holding?.store.watermarks();
  }

  owns({ process }: VirtualConnection): boolean {
    return process !== undefined && process === this.#running?.process;
  }

  /** Resolves when it serves. */
  async start(role: Role): Promise<void> {
    const { configuration, network, random, world } = this.#seams;
    const process = new VirtualProcess(world, random);
    process.clockOffMs = this.#clockOffMs;
    const running: Running = { process, node: undefined, stores: [], isStopping: false, isClosed: false };
    this.#running = running;
    const seams = virtualSeams({
      process,
      transport: network.transport.of(process),
      files: this.#filesOf(process),
      createEngine: (options) => {
        const store = new ObservedEngine(options);
        running.stores.push(store);
        return store;
      },
    });
    this.#isRequested = false;
    // Only a tap goes on where it was.
    if (!this.isTap) this.#consumer = new SimConsumer(random);
    const changes =
      configuration.hasOutputs || this.isTap ? this.#consumer.of(process.seams.timers) : undefined;
    try {
      const config = nodeConfig(configuration, {
        role,
        isTap: this.isTap,
        isFresh: this.#isFresh,
        bind: this.address,
        changes,
      });
      const node = await Node.start(config, seams);
      if (this.#running !== running) return;
      running.node = node;
      if (node.outputs.holding !== undefined) this.#seams.reached('tap continued');
      this.#listen(node);
      this.#observe(node);
      this.data?.expectKept(node);
      // An option is for what begins without content.
      if (this.data !== undefined && this.#isFresh) this.meanHistory(true);
      if (node.history?.previous !== undefined && role.recover !== undefined)
        this.#seams.reached('recovered');
    } catch (error) {
      if (role.recover !== undefined && this.#running === running) this.#onRecoveryFailed(error);
      else this.#raise(error);
    }
  }

  #filesOf(process: VirtualProcess): NodeFiles {
    const { disk } = this.#seams;
    const files = disk.of(process);
    const { data } = this;
    if (data === undefined) return files;
    // Its role is what its supervisor says.
    disk.remove(join(dataPath(this.address), 'role'));
    return { ...files, openData: async () => data.files(process) };
  }

  /** A node that cannot recover begins without content, and its replicas keep theirs. */
  #onRecoveryFailed(error: unknown): void {
    const code = error instanceof FastcacheError ? error.code : undefined;
    if (code !== 'RECOVERY_FAILED' && code !== 'PRIMARY_EXISTS') {
      this.#raise(error);
      return;
    }
    this.#seams.reached('nothing recovered');
    this.#seams.gaveUp(this);
  }

  /** Follows a primary, as with REPLICAOF. */
  follow(primary: Address): void {
    this.#isRequested = true;
    this.node?.follow(primary);
  }

  /** Replicas are to give up other histories for what it serves, or not any more. */
  meanHistory(isFresh: boolean): void {
    this.#isFresh = isFresh;
    this.configure('fresh-history', isFresh ? 'yes' : 'no');
    this.#meanServed();
  }

  #meanServed(): void {
    const history = this.node?.stream?.history.id;
    if (this.#isFresh && history !== undefined) this.#seams.oracle.mean(history);
  }

  /** Leads, as with REPLICAOF NO ONE; returns false when it holds nothing or leads already. */
  promote(): boolean {
    if (this.held() === undefined) return false;
    this.node?.promote();
    return true;
  }

  /** Changes a setting, as CONFIG SET does. */
  configure(name: string, value: string): void {
    const refusal = this.node?.settings.set([[name, Buffer.from(value)]]);
    if (refusal !== undefined) throw new Error(refusal);
  }

  /** Closes the node, as SIGTERM does; the process is there until `kill`. */
  stop(): void {
    const running = this.#running;
    if (running === undefined || running.isStopping) return;
    running.isStopping = true;
    running.node?.close().then(
      () => {
        running.isClosed = true;
      },
      (error: unknown) => this.#raise(error),
    );
  }

  /** Ends the process at once, as SIGKILL does: its memory is lost. */
  kill(): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#countOutcomes();
    // Frames that it had published count, even if no other node has them.
    this.#published?.ready();
    this.data?.ends(running);
    running.process.kill();
    this.#running = undefined;
  }

  pause(): void {
    this.pauses += 1;
    this.#running?.process.pause();
  }

  resume(): void {
    this.#running?.process.resume();
  }

  setClock(offMs: number): void {
    this.#clockOffMs = offMs;
    if (this.#running !== undefined) this.#running.process.clockOffMs = offMs;
  }

  /** Throws what must not have happened in it. */
  check(): void {
    // A process that was stopped in the middle of a turn has published what it has not delivered.
    this.#published?.ready();
    if (this.#alarm !== undefined) throw this.#alarm;
    if (this.#running !== undefined) this.data?.note(this.#running);
    const held = this.held();
    const hasApplied = held?.store.isChanged === true;
    if (held?.store !== this.#before.held?.store || hasApplied) this.#compare(held);
    if (this.node?.following?.follower.state.name === 'live') this.#isRequested = false;
    this.#meanServed();
    if (this.#running === undefined || !(this.#hasPublished || hasApplied)) return;
    this.#hasPublished = false;
    checkBounds(this.#running, this.#seams.configuration);
  }

  /** Throws when the log has a line that has no place here. */
  checkLog(): void {
    const line = this.#log.find((text) => ALARM.test(text));
    if (line !== undefined) throw new Error(`${this.address.port} logged: ${line}`);
  }

  /**
   * To be called after a `stop`; `source` has what this node is to have put out. Throws when dump or changes
   * lead elsewhere.
   */
  checkOutputs(source: ShardEngine): void {
    const { disk, reached } = this.#seams;
    const config = this.node?.config;
    if (config === undefined) return;
    const dump = config.record === undefined ? undefined : disk.read(config.record);
    const changes = config.changes === undefined ? undefined : this.#consumer.fold;
    try {
      checkOutputs(source, dump, changes);
    } catch (cause) {
      throw new Error(`${this.address.port}: ${(cause as Error).message}`, { cause });
    }
    if (this.#consumer.waits > 0) reached('slow consumer');
  }

  /** Returns the resources that are left behind a `stop`; empty: none. */
  leftovers(): string[] {
    this.#countOutcomes();
    return this.#running === undefined ? [] : leftoversOf(this.#running);
  }

  /** Describes its state and content, for the message of a fault. */
  describe(): string {
    const { node } = this;
    if (node === undefined) return `${this.address.port} ${this.isUp ? 'starts' : 'is down'}`;
    const state = node.following?.follower.state.name ?? 'leads';
    return `${this.address.port} ${state} ${node.primary?.port ?? ''} ${node.history?.id}@${node.watermarks()}, ${node.engine.keyCount()} keys`;
  }

  #countOutcomes(): void {
    for (const outcome of this.#running === undefined ? [] : outcomesOf(this.#running)) {
      this.#seams.reached(outcome);
    }
  }

  #listen({ events, nodeId }: Node): void {
    const on = <Name extends keyof NodeEvents>(name: Name, listener: (event: NodeEvents[Name]) => void) =>
      events.on(name, listener);
    on('log', ({ level, message }: LogEvent) => this.#log.push(`${level} ${message}`));
    on('lost', ({ error }) => this.#onLost(error));
    if (this.isTap) on('snapshot', () => this.#seams.reached('tap snapshot'));
    on('promoted', () => {
      if (this.node !== undefined) this.#observe(this.node);
    });
    on('demoted', () => {
      // A node that led has no node above it until another primary answers.
      const path = this.node?.stream?.path.join();
      if (path !== undefined && path !== nodeId) this.#raise(new Error(`its path is ${path}, not ${nodeId}`));
    });
    on('stopped', ({ error }) => {
      if (error === undefined) return;
      this.#onLost(error);
      this.#seams.gaveUp(this);
    });
  }

  /** The oracle hears what it publishes, as soon as it leads. */
  #observe({ leading, engine }: Node): void {
    if (leading === undefined) return;
    const { oracle } = this.#seams;
    const { publisher, history } = leading;
    const before = this.data && oracle.emitted(history.id);
    // The content that a directory is begun with may be published before the node has begun.
    const since = this.data && (before ?? engine.watermarks().map(() => history.base));
    if (before === undefined) oracle.begin(history, since ?? engine.watermarks());
    this.#published = new FrameReader(
      publisher.backlog,
      (frame) => {
        oracle.record(history.id, frame);
        this.#hasPublished = true;
      },
      since,
    );
    this.#published.ready();
  }

  /** Compares what it holds with what it held before. */
  #compare(held: Held | undefined): void {
    const { reached } = this.#seams;
    const { held: before, keys } = this.#before;
    const keysNow = held?.store.keyCount() ?? 0;
    const isReplaced = before !== undefined && held !== undefined && held.store !== before.store;
    if (isReplaced) this.#compareHistories(before.historyId, held.historyId, { keys, keysNow });
    if (before?.store === held?.store && before?.historyId !== held?.historyId) reached('history continued');
    this.#before = { held, keys: keysNow };
  }

  /** Keys must not have given way to a foreign history, or to nothing, that nobody meant. */
  #compareHistories(before: string, now: string, { keys, keysNow }: { keys: number; keysNow: number }): void {
    const { configuration, oracle, reached } = this.#seams;
    const { allowEmptySnapshot, foreignHistory } = configuration;
    const isForeign = !oracle.goesBackTo(now, before);
    const isAsked = this.#isRequested || foreignHistory === 'accept' || oracle.isMeant(now);
    if (keys > 0 && !isAsked && !(keysNow === 0 && allowEmptySnapshot)) {
      if (keysNow === 0) throw new Error(`nothing has taken the place of ${keys} keys`);
      if (isForeign) throw new Error(`history ${now} has taken the place of ${keys} keys of ${before}`);
    }
    if (!isForeign) return;
    if (keys > 0) reached('foreign history, meant');
    // Those that follow it do as it did.
    oracle.givenUp(before, now);
  }

  #onLost(error: Error): void {
    const code = error instanceof FastcacheError ? error.code : undefined;
    const ends = this.#seams.configuration.faults.has('lost frames') ? gapEnds : expectedEnds;
    if (code === undefined || !ends.has(code)) {
      this.#raise(error);
      return;
    }
    const outcome = ends.get(code);
    if (outcome !== undefined) this.#seams.reached(outcome);
  }

  #raise(error: unknown): void {
    this.#alarm ??= error;
  }
}
