/**
 * A network inside a `VirtualWorld`: ordered, loss-free pipes like TCP's, with the faults that TCP has (latency, small
 * slices, a full send buffer, a peer that stops reading, a cut after so many bytes, nobody listening).
 */
import { FastcacheError } from '../../src/errors.js';
import { formatAddress } from '../../src/transport/address.js';
import type {
  Address,
  Connection,
  ConnectionHandlers,
  Listener,
  Transport,
} from '../../src/transport/connection.js';
import type { VirtualWorld } from './virtual-world.js';

export interface NetworkConditions {
  /** One way, for connections and bytes. */
  latencyMs: number;
  /** Bytes of each delivery at most. */
  sliceBytes: number;
  /** `write` returns false from so many bytes on their way. */
  sendBufferBytes: number;
  /** From the listening side to the connecting side: the connection breaks when so many have arrived. */
  cutAfterBytes: number;
}

const PERFECT: NetworkConditions = {
  latencyMs: 0.1,
  sliceBytes: Number.POSITIVE_INFINITY,
  sendBufferBytes: 65_536,
  cutAfterBytes: Number.POSITIVE_INFINITY,
};

const FIRST_FREE_PORT = 40_000;

export class VirtualTransport implements Transport {
  /** Applies to connections opened from now on. */
  conditions: NetworkConditions = { ...PERFECT };
  /** Every pair opened so far, oldest first. */
  readonly pairs: { client: VirtualConnection; server: VirtualConnection }[] = [];
  readonly #world: VirtualWorld;
  readonly #listeners = new Map<number, (connection: Connection) => void>();
  #nextPort = FIRST_FREE_PORT;

  constructor(world: VirtualWorld) {
    this.#world = world;
  }

  async listen(address: Address, accept: (connection: Connection) => void): Promise<Listener> {
    const port = address.port === 0 ? this.#nextPort++ : address.port;
    const place = formatAddress({ host: address.host, port });
    if (this.#listeners.has(port)) {
      throw new FastcacheError('PORT_TAKEN', `Another process listens on ${place} already.`, {
        address: place,
      });
    }
    this.#listeners.set(port, accept);
    return {
      address: place,
      close: async () => {
        this.#listeners.delete(port);
      },
    };
  }

  connect(
    address: Address,
    { connectTimeoutMs }: { connectTimeoutMs: number },
    handlers: ConnectionHandlers & { opened(connection: Connection): void },
  ): { destroy(): void } {
    const { conditions } = this;
    let givenUp = false;
    let client: VirtualConnection | undefined;
    const inTime = conditions.latencyMs * 2 <= connectTimeoutMs;
    this.#world.plan(inTime ? conditions.latencyMs * 2 : connectTimeoutMs, () => {
      if (givenUp) return;
      const accept = this.#listeners.get(address.port);
      if (accept === undefined || !inTime) {
        const place = formatAddress(address);
        handlers.onClose(
          new FastcacheError('PRIMARY_UNREACHABLE', `Cannot reach ${place}.`, { address: place }),
        );
        return;
      }
      client = new VirtualConnection(this.#world, formatAddress(address), {
        ...conditions,
        cutAfterBytes: Infinity,
      });
      const server = new VirtualConnection(this.#world, `client:${this.#nextPort++}`, conditions);
      client.join(server);
      this.pairs.push({ client, server });
      client.handlers = handlers;
      accept(server);
      handlers.opened(client);
    });
    return {
      destroy() {
        givenUp = true;
        client?.destroy();
      },
    };
  }
}

export class VirtualConnection implements Connection {
  readonly remoteAddress: string;
  handlers: ConnectionHandlers = { onData() {}, onDrain() {}, onClose() {} };
  bufferedBytes = 0;
  /** All bytes that arrived at the other end. */
  deliveredBytes = 0;
  /** While set the other end takes nothing, as when its process is stopped. */
  #stalled = false;
  readonly #world: VirtualWorld;
  readonly #conditions: NetworkConditions;
  #peer!: VirtualConnection;
  readonly #outgoing: Buffer[] = [];
  #deliveryPlanned = false;
  #paused = false;
  #ending = false;
  #closed = false;
  #needsDrain = false;

  constructor(world: VirtualWorld, remoteAddress: string, conditions: NetworkConditions) {
    this.#world = world;
    this.remoteAddress = remoteAddress;
    this.#conditions = conditions;
  }

  get closed(): boolean {
    return this.#closed;
  }

  join(peer: VirtualConnection): void {
    this.#peer = peer;
    peer.#peer = this;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#closed || this.#ending) return false;
    this.#outgoing.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    this.bufferedBytes += bytes.length;
    this.#planDelivery();
    this.#needsDrain = this.bufferedBytes >= this.#conditions.sendBufferBytes;
    return !this.#needsDrain;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#peer.#planDelivery();
  }

  end(): void {
    if (this.#closed || this.#ending) return;
    this.#ending = true;
    this.#planDelivery();
  }

  destroy(): void {
    if (this.#closed) return;
    this.#close();
    this.#world.plan(this.#conditions.latencyMs, () => this.#peer.#close());
  }

  /** Breaks the connection for both ends, as a cable that is pulled and noticed. */
  break(): void {
    const error = new FastcacheError('CONNECTION_LOST', 'The connection broke.');
    this.#close(error);
    this.#peer.#close(error);
  }

  /** What this end writes stays on its way. */
  stall(): void {
    this.#stalled = true;
  }

  unstall(): void {
    this.#stalled = false;
    this.#planDelivery();
  }

  #planDelivery(): void {
    if (this.#deliveryPlanned || this.#closed) return;
    this.#deliveryPlanned = true;
    this.#world.plan(this.#conditions.latencyMs, () => this.#deliver());
  }

  #deliver(): void {
    this.#deliveryPlanned = false;
    if (this.#closed || this.#stalled || this.#peer.#paused) return;
    const slice = this.#takeSlice();
    if (slice.length > 0) {
      this.deliveredBytes += slice.length;
      this.bufferedBytes -= slice.length;
      // A copy that is overwritten afterwards: nobody may rely on the chunk after the call.
      const chunk = Buffer.from(slice);
      this.#peer.handlers.onData(chunk);
      chunk.fill(0xdd);
    }
    if (this.#closed) return;
    if (this.deliveredBytes >= this.#conditions.cutAfterBytes) {
      this.break();
      return;
    }
    if (this.bufferedBytes > 0) {
      this.#planDelivery();
      return;
    }
    if (this.#ending) {
      this.#peer.#close();
      this.#close();
    } else if (this.#needsDrain) {
      this.#needsDrain = false;
      this.handlers.onDrain();
    }
  }

  #takeSlice(): Buffer {
    const room = Math.min(this.#conditions.sliceBytes, this.#conditions.cutAfterBytes - this.deliveredBytes);
    const first = this.#outgoing[0];
    if (first === undefined) return Buffer.alloc(0);
    if (first.length <= room) {
      this.#outgoing.shift();
      return first;
    }
    this.#outgoing[0] = first.subarray(room);
    return first.subarray(0, room);
  }

  #close(error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#outgoing.length = 0;
    this.bufferedBytes = 0;
    const { handlers } = this;
    this.handlers = { onData() {}, onDrain() {}, onClose() {} };
    handlers.onClose(error);
  }
}
