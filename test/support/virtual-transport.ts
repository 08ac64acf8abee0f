/**
 * A network inside a `VirtualWorld`: ordered, loss-free pipes like TCP's, with the faults that TCP has
 * (latency, small slices, a full send buffer, a peer that stops reading, a cut after so many bytes, a close
 * that is heard late or never, nobody listening).
 */
import { FastcacheError } from '../../src/errors.js';
import { formatAddress } from '../../src/transport/address.js';
import type {
  Address,
  Connection,
  ConnectionHandlers,
  Listener,
  StrangerWarning,
  Transport,
} from '../../src/transport/connection.js';
import type { Socket, VirtualProcess } from './virtual-process.js';
import type { VirtualWorld } from './virtual-world.js';

/** The conditions of one direction of a connection; they may be changed while the connection lasts. */
export interface NetworkConditions {
  /** One way, for connections and bytes. */
  latencyMs: number;
  /** Between two deliveries; the latency when undefined. */
  pauseMs: number | undefined;
  /** Bytes of each delivery at most, or who draws it for each. */
  sliceBytes: number | (() => number);
  /** `write` returns false from so many bytes on their way. */
  sendBufferBytes: number;
  /** The connection breaks when so many have arrived. */
  cutAfterBytes: number;
  /** So much later than the latency the other end hears that this one closed. */
  closeDelayMs: number;
  /** Whether a write gets lost, as no sound network loses it: a faulty peer leaves it out. */
  loses: (bytes: Uint8Array) => boolean;
}

export const PERFECT: Readonly<NetworkConditions> = {
  latencyMs: 0.1,
  pauseMs: undefined,
  sliceBytes: Number.POSITIVE_INFINITY,
  sendBufferBytes: 65_536,
  cutAfterBytes: Number.POSITIVE_INFINITY,
  closeDelayMs: 0,
  loses: () => false,
};

/** How a connection attempt goes: `silent`: nothing answers until the attempt times out. */
export type Reception = 'open' | 'refused' | 'silent';

export interface ConnectionPair {
  client: VirtualConnection;
  server: VirtualConnection;
}

const FIRST_FREE_PORT = 40_000;
const NO_HANDLERS: ConnectionHandlers = { onData() {}, onDrain() {}, onClose() {} };

export class VirtualTransport implements Transport {
  /** Applies to connections opened from now on; a cut only from the listening side to the connecting side. */
  conditions: NetworkConditions = { ...PERFECT };
  /** Every pair opened so far, oldest first. */
  readonly pairs: ConnectionPair[] = [];
  /** Conditions of the next connection, one direction after the other. */
  drawConditions: () => { up: NetworkConditions; down: NetworkConditions } = () => ({
    up: { ...this.conditions, cutAfterBytes: Number.POSITIVE_INFINITY },
    down: this.conditions,
  });
  reception: (address: Address) => Reception = () => 'open';
  readonly #world: VirtualWorld;
  readonly #listeners = new Map<number, VirtualListener>();
  #nextPort = FIRST_FREE_PORT;

  constructor(world: VirtualWorld) {
    this.#world = world;
  }

  /** Ports that are listened on. */
  get listening(): number {
    return this.#listeners.size;
  }

  /**
   * The network as one process has it: connections that it opened are closed when it is killed, and wait
   * while it is paused.
   */
  of(process: VirtualProcess): Transport {
    return {
      listen: (address, accept) => this.listen(address, accept, undefined, process),
      connect: (address, options, handlers) => this.connect(address, options, handlers, process),
    };
  }

  async listen(
    address: Address,
    accept: (connection: Connection) => void,
    _refused?: StrangerWarning,
    process?: VirtualProcess,
  ): Promise<Listener> {
    const port = address.port === 0 ? this.#nextPort++ : address.port;
    const place = formatAddress({ host: address.host, port });
    if (this.#listeners.has(port)) {
      throw new FastcacheError('PORT_TAKEN', `Another process listens on ${place} already.`, {
        address: place,
      });
    }
    const close = () => {
      process?.sockets.delete(socket);
      this.#listeners.delete(port);
    };
    const socket: Socket = { resumed() {}, orphaned: close };
    process?.sockets.add(socket);
    this.#listeners.set(port, { accept, process });
    return { address: place, close: async () => close() };
  }

  connect(
    address: Address,
    { connectTimeoutMs }: { connectTimeoutMs: number },
    handlers: ConnectionHandlers & { opened(connection: Connection): void },
    process?: VirtualProcess,
  ): { destroy(): void } {
    const { up, down } = this.drawConditions();
    const reception = this.reception(address);
    let givenUp = false;
    let client: VirtualConnection | undefined;
    const inTime = reception !== 'silent' && down.latencyMs * 2 <= connectTimeoutMs;
    this.#world.plan(inTime ? down.latencyMs * 2 : connectTimeoutMs, () => {
      if (givenUp || process?.isKilled === true) return;
      const listener = this.#listeners.get(address.port);
      if (listener === undefined || !inTime || reception === 'refused') {
        const place = formatAddress(address);
        const error = new FastcacheError('PRIMARY_UNREACHABLE', `Cannot reach ${place}.`, { address: place });
        within(process, () => handlers.onClose(error));
        return;
      }
      const pair = this.#pair(address, { up, down }, process, listener);
      client = pair.client;
      client.handlers = handlers;
      within(listener.process, () => {
        if (pair.server.closed) return;
        listener.accept(pair.server);
        pair.server.taken();
      });
      within(process, () => {
        if (givenUp || pair.client.closed) return;
        handlers.opened(pair.client);
        pair.client.taken();
      });
    });
    return {
      destroy() {
        givenUp = true;
        client?.destroy();
      },
    };
  }

  #pair(
    address: Address,
    { up, down }: { up: NetworkConditions; down: NetworkConditions },
    process: VirtualProcess | undefined,
    listener: VirtualListener,
  ): ConnectionPair {
    const client = new VirtualConnection(this.#world, formatAddress(address), up, process);
    const place = `client:${this.#nextPort++}`;
    const server = new VirtualConnection(this.#world, place, down, listener.process);
    client.join(server);
    const pair = { client, server };
    this.pairs.push(pair);
    return pair;
  }
}

interface VirtualListener {
  accept(connection: Connection): void;
  process: VirtualProcess | undefined;
}

function within(process: VirtualProcess | undefined, action: () => void): void {
  if (process === undefined) action();
  else process.run(action);
}

export class VirtualConnection implements Connection, Socket {
  readonly remoteAddress: string;
  handlers: ConnectionHandlers = NO_HANDLERS;
  #isTaken = false;
  /** Bytes are due that the other end has not taken the connection for. */
  #isHeld = false;
  bufferedBytes = 0;
  /** All bytes that arrived at the other end. */
  deliveredBytes = 0;
  /** Writes in a row after one that returned false, the most there were. */
  writesWhileFull = 0;
  /** Writes that returned false. */
  waits = 0;
  /** It was broken by `cutAfterBytes`. */
  wasCut = false;
  readonly conditions: NetworkConditions;
  /** While it is set the other end takes nothing, as when its process is stopped. */
  #stalled = false;
  /** The way to the other end is gone for good, and neither end hears of it. */
  #severed = false;
  readonly #world: VirtualWorld;
  readonly process: VirtualProcess | undefined;
  #peer!: VirtualConnection;
  readonly #outgoing: { bytes: Buffer; dueMs: number }[] = [];
  #deliveryPlanned = false;
  #paused = false;
  #ending = false;
  #closed = false;
  #needsDrain = false;
  #fullWrites = 0;

  constructor(
    world: VirtualWorld,
    remoteAddress: string,
    conditions: NetworkConditions,
    process?: VirtualProcess,
  ) {
    this.#world = world;
    this.remoteAddress = remoteAddress;
    this.conditions = conditions;
    this.process = process;
    process?.sockets.add(this);
  }

  get closed(): boolean {
    return this.#closed;
  }

  get sentBytes(): number {
    return this.deliveredBytes;
  }

  join(peer: VirtualConnection): void {
    this.#peer = peer;
    peer.#peer = this;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#closed || this.#ending) return false;
    if (this.conditions.loses(bytes)) return !this.#needsDrain;
    this.#fullWrites = this.#needsDrain ? this.#fullWrites + 1 : 0;
    this.writesWhileFull = Math.max(this.writesWhileFull, this.#fullWrites);
    this.#outgoing.push({
      bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      dueMs: this.#world.nowMs + this.conditions.latencyMs,
    });
    this.bufferedBytes += bytes.length;
    this.#planDelivery(this.conditions.latencyMs);
    this.#needsDrain = this.bufferedBytes >= this.conditions.sendBufferBytes;
    if (this.#needsDrain) this.waits += 1;
    return !this.#needsDrain;
  }

  /** Written bytes are on their way already. */
  flush(): void {}

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#peer.#planDelivery(this.#peer.conditions.latencyMs);
  }

  end(): void {
    if (this.#closed || this.#ending) return;
    this.#ending = true;
    this.#planDelivery(this.conditions.latencyMs);
  }

  destroy(): void {
    if (this.#closed) return;
    this.#close();
    this.#tellPeer();
  }

  /** Breaks the connection for both ends, as a cable that is pulled and noticed. */
  break(): void {
    const error = broken();
    this.#close(error);
    if (!this.#severed) this.#peer.#close(error);
  }

  /**
   * Breaks the connection for this end; the other hears nothing of it, ever, and what it writes goes nowhere.
   */
  vanish(): void {
    this.#severed = true;
    this.#peer.#severed = true;
    this.#close(broken());
  }

  /** Bytes that this end writes stay on their way. */
  stall(): void {
    this.#stalled = true;
  }

  unstall(): void {
    this.#stalled = false;
    this.#planDelivery(this.conditions.latencyMs);
  }

  /** Its process has it from now on; until then the system keeps what comes. */
  taken(): void {
    this.#isTaken = true;
    if (this.#peer.#isHeld) this.#peer.#planDelivery(0);
  }

  /** Its process runs again. */
  resumed(): void {
    this.#peer.#planDelivery(0);
  }

  /** Its process was killed: nobody hears of it there, and the other end finds the connection reset. */
  orphaned(): void {
    if (this.#closed) return;
    this.handlers = NO_HANDLERS;
    this.#close();
    this.#tellPeer(broken());
  }

  #tellPeer(error?: Error): void {
    if (this.#severed || this.#peer.#closed) return;
    const { latencyMs, closeDelayMs } = this.conditions;
    this.#world.plan(latencyMs + closeDelayMs, () => this.#peer.#close(error));
  }

  #planDelivery(delayMs: number): void {
    if (this.#deliveryPlanned || this.#closed || this.#severed) return;
    this.#deliveryPlanned = true;
    this.#world.plan(delayMs, () => this.#deliver());
  }

  #deliver(): void {
    this.#deliveryPlanned = false;
    if (this.#closed || this.#stalled || this.#severed) return;
    if (this.#peer.#paused || this.#peer.process?.isPaused === true) return;
    if (!this.#peer.#isTaken) {
      this.#isHeld = true;
      return;
    }
    const slice = this.#takeSlice();
    if (slice.length > 0) {
      this.deliveredBytes += slice.length;
      this.bufferedBytes -= slice.length;
      this.#world.note(slice.length);
      // A copy that is overwritten afterwards: nobody may rely on the chunk after the call.
      const chunk = Buffer.from(slice);
      this.#peer.handlers.onData(chunk);
      chunk.fill(0xdd);
    }
    if (this.#closed) return;
    if (this.deliveredBytes >= this.conditions.cutAfterBytes) {
      this.wasCut = true;
      this.break();
      return;
    }
    if (this.bufferedBytes > 0) {
      this.#planDelivery(this.#pauseMs());
      return;
    }
    if (this.#ending) {
      this.#peer.#close();
      this.#close();
    } else if (this.#needsDrain) {
      this.#needsDrain = false;
      within(this.process, () => this.handlers.onDrain());
    }
  }

  /** Until the next delivery: bytes further behind in the queue have the latency before them too. */
  #pauseMs(): number {
    const { pauseMs, latencyMs } = this.conditions;
    if (pauseMs === undefined) return latencyMs;
    return Math.max(pauseMs, (this.#outgoing[0]?.dueMs ?? 0) - this.#world.nowMs);
  }

  #takeSlice(): Buffer {
    const { sliceBytes, cutAfterBytes } = this.conditions;
    const most = typeof sliceBytes === 'number' ? sliceBytes : sliceBytes();
    const room = Math.min(most, cutAfterBytes - this.deliveredBytes);
    const [first] = this.#outgoing;
    if (first === undefined) return Buffer.alloc(0);
    const { bytes } = first;
    if (bytes.length <= room) {
      this.#outgoing.shift();
      return bytes;
    }
    first.bytes = bytes.subarray(room);
    return bytes.subarray(0, room);
  }

  #close(error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.process?.sockets.delete(this);
    this.#outgoing.length = 0;
    this.bufferedBytes = 0;
    const { handlers } = this;
    this.handlers = NO_HANDLERS;
    within(this.process, () => handlers.onClose(error));
  }
}

function broken(): FastcacheError {
  return new FastcacheError('CONNECTION_LOST', 'The connection broke.');
}
