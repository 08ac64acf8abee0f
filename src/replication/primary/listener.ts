/**
 * A primary's door: it accepts connections, keeps those that have not proved who they are apart from the replicas, and
 * knows who is there.
 */
import type { Address, Connection, Listener, Transport } from '../../transport/connection.js';
import { hasReached } from '../watermarks.js';
import { Carousels } from './carousel.js';
import { DepartedReplicas, isSameReplica } from './departed.js';
import type { Claim, ReplicaInfo } from './replica-info.js';
import { PrimarySession, type SessionHost, type SessionOptions } from './session.js';
import { WindowWatch } from './window-watch.js';

export interface ReplicaListenerOptions extends Omit<SessionOptions, 'carousels'> {
  transport: Transport;
  /** Port 0 picks a free one. */
  bind: Address;
  maxReplicas: number;
}

/**
 * Connections that may be without a sound Hello at one time. One more costs the oldest its place: whoever means it
 * has sent its Hello long before a crowd of silent ones gets round to it.
 */
const MAX_STRANGERS = 256;

export class ReplicaListener {
  readonly #options: ReplicaListenerOptions;
  readonly #carousels: Carousels;
  readonly #strangers = new Set<PrimarySession>();
  /** With what each said when it came, and when that was. */
  readonly #replicas = new Map<PrimarySession, { claim: Claim; cameAtUs: number }>();
  readonly #departed: DepartedReplicas;
  readonly #windowWatch: WindowWatch;
  readonly #ackListeners = new Set<() => void>();
  readonly #host: SessionHost = {
    admit: (session, claim) => this.#admit(session, claim),
    acknowledged: () => {
      for (const listener of this.#ackListeners) listener();
    },
    ended: (session, last) => {
      this.#strangers.delete(session);
      this.#replicas.delete(session);
      if (last !== undefined && !this.#isBack(last, session.heardAtUs)) this.#departed.left(last);
    },
  };
  #listener!: Listener;
  #closed = false;

  /** Resolves when replicas can connect. Throws `PORT_TAKEN` or `LISTEN_FAILED`. */
  static async start(options: ReplicaListenerOptions): Promise<ReplicaListener> {
    const door = new ReplicaListener(options);
    door.#listener = await options.transport.listen(options.bind, (connection) => door.#accept(connection));
    return door;
  }

  private constructor(options: ReplicaListenerOptions) {
    this.#options = options;
    this.#carousels = new Carousels(options);
    this.#departed = new DepartedReplicas(options.clock);
    this.#windowWatch = new WindowWatch({
      ...options,
      backlog: () => options.stream()?.backlog,
      replicas: () => [...this.replicas(), ...this.departed()],
    });
  }

  /** `host:port` really listened on. */
  get address(): string {
    return this.#listener.address;
  }

  /** Connections that have not said a sound Hello, or are being closed. */
  get strangers(): number {
    return this.#strangers.size;
  }

  /** Who is connected, in the order in which they came. */
  replicas(): ReplicaInfo[] {
    const infos: ReplicaInfo[] = [];
    for (const session of this.#replicas.keys()) {
      const info = session.info();
      if (info !== undefined) infos.push(info);
    }
    return infos;
  }

  /** Who left within the last hour and has not come back, in the order in which they left. */
  departed(): ReplicaInfo[] {
    return this.#departed.list();
  }

  /** Replicas that have all, and have acknowledged at most so many whole seconds ago; a Rust replica never does. */
  goodReplicas(maxLagSeconds: number): number {
    let count = 0;
    for (const session of this.#replicas.keys()) {
      if (session.isGood(maxLagSeconds)) count += 1;
    }
    return count;
  }

  /** Replicas that have acknowledged all of these. */
  acknowledged(watermarks: readonly bigint[]): number {
    return this.replicas().filter(
      ({ acknowledged }) => acknowledged !== undefined && hasReached(acknowledged, watermarks),
    ).length;
  }

  /** Calls `listener` with each acknowledgement. Returns how to end that. */
  onAck(listener: () => void): () => void {
    this.#ackListeners.add(listener);
    return () => {
      this.#ackListeners.delete(listener);
    };
  }

  /** Stops listening; live replicas still get what was written to them, all other connections are dropped. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#windowWatch.stop();
    const stopped = this.#listener.close();
    for (const session of [...this.#strangers, ...this.#replicas.keys()]) session.finish();
    await stopped;
  }

  #accept(connection: Connection): void {
    if (this.#closed) {
      connection.destroy();
      return;
    }
    const options = { ...this.#options, carousels: this.#carousels };
    this.#strangers.add(new PrimarySession(connection, options, this.#host));
    if (this.#strangers.size > MAX_STRANGERS) {
      const [oldest] = this.#strangers;
      oldest?.close();
    }
  }

  #admit(session: PrimarySession, claim: Claim): boolean {
    const { maxReplicas, clock, log } = this.#options;
    if (this.#replicas.size >= maxReplicas) return false;
    this.#strangers.delete(session);
    this.#replicas.set(session, { claim, cameAtUs: clock.monotonicUs() });
    this.#windowWatch.start();
    const awayMs = this.#departed.returned(claim);
    if (awayMs !== undefined) log.info(`replica ${claim.address} is back after ${awayMs} ms`);
    return true;
  }

  /** It came back on another connection before this one was found dead. */
  #isBack(last: ReplicaInfo, heardAtUs: number): boolean {
    if (last.history === undefined) return false;
    for (const { claim, cameAtUs } of this.#replicas.values()) {
      if (cameAtUs > heardAtUs && isSameReplica(last, claim)) return true;
    }
    return false;
  }
}
