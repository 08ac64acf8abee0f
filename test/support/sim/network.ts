/** The network of a simulation: every connection draws its faults when it is opened. */

import { FrameKind } from '../../../src/frame/kinds.js';
import { FRAME_HEADER_BYTES } from '../../../src/limits.js';
import type { Address } from '../../../src/transport/connection.js';
import { RandomSource } from '../random.js';
import {
  type ConnectionPair,
  type NetworkConditions,
  PERFECT,
  type Reception,
  type VirtualConnection,
  VirtualTransport,
} from '../virtual-transport.js';
import type { VirtualWorld } from '../virtual-world.js';
import type { Configuration, FaultName } from './configuration.js';

/** Single bytes cost an event each, so that a connection has only so many of them. */
const SINGLE_BYTES_MAX = 1_500;
/** Where a header has the frame's kind. */
const KIND_OFFSET = 5;
/** Where a header has the payload's length. */
const PAYLOAD_LENGTH_OFFSET = 8;
/** Writes that may follow one that returned false: the answer, a snapshot's begin or end. */
const WRITES_WHILE_FULL_MAX = 3;
/** Ten a second, until five seconds later the link is known to be dead. */
const ACKS_WHILE_FULL_MAX = 55;

export class SimNetwork {
  readonly transport: VirtualTransport;
  readonly #faults: ReadonlySet<FaultName>;
  readonly #random: RandomSource;
  #isHealed = false;
  #frameWasLost = false;

  constructor(world: VirtualWorld, seed: number, { faults }: Configuration) {
    this.transport = new VirtualTransport(world);
    this.#faults = faults;
    this.#random = RandomSource.fork(seed, 'network');
    this.transport.drawConditions = () => {
      const [up, down] = [this.#draw(), this.#draw()];
      return { up, down: { ...down, latencyMs: up.latencyMs } };
    };
  }

  /** Connections that neither end has closed. */
  open(): ConnectionPair[] {
    return this.transport.pairs.filter(({ client, server }) => !client.closed && !server.closed);
  }

  /** Ends that are not closed yet, the other end of which may be. */
  openEnds(): VirtualConnection[] {
    return this.transport.pairs
      .flatMap(({ client, server }) => [client, server])
      .filter((connection) => !connection.closed);
  }

  setReception(reception: (address: Address) => Reception): void {
    this.transport.reception = reception;
  }

  /** Whether it has lost what was written, as no sound network does. */
  get hasLostFrames(): boolean {
    return this.#frameWasLost;
  }

  /** From now on nothing is wrong with it. */
  heal(): void {
    this.#isHealed = true;
    this.transport.reception = () => 'open';
    for (const connection of this.openEnds()) {
      Object.assign(connection.conditions, this.#draw());
      connection.unstall();
    }
  }

  /** Returns the faults that connections have really met. */
  exercised(): FaultName[] {
    const ends = this.transport.pairs.flatMap(({ client, server }) => [client, server]);
    const has = (name: FaultName, met: (connection: VirtualConnection) => boolean): FaultName[] =>
      this.#faults.has(name) && ends.some(met) ? [name] : [];
    return [
      ...has('latency', ({ deliveredBytes }) => deliveredBytes > 0),
      ...has('slices', ({ deliveredBytes }) => deliveredBytes > 1_500),
      ...has('single bytes', ({ deliveredBytes }) => deliveredBytes > 1_500),
      ...has('small send buffers', ({ waits }) => waits > 0),
      ...has('cut after bytes', ({ wasCut }) => wasCut),
      ...(this.#frameWasLost ? (['lost frames'] as const) : []),
      ...has('slow close', ({ deliveredBytes, closed }) => closed && deliveredBytes > 0),
    ];
  }

  /** Throws when somebody went on writing to a connection that had no room. */
  checkWrites(): void {
    for (const { client, server } of this.transport.pairs) {
      if (server.writesWhileFull > WRITES_WHILE_FULL_MAX || client.writesWhileFull > ACKS_WHILE_FULL_MAX) {
        throw new Error('a connection without room was written to again and again');
      }
    }
  }

  #draw(): NetworkConditions {
    if (this.#isHealed) return { ...PERFECT, latencyMs: 1, pauseMs: 0 };
    const random = this.#random;
    const has = (name: FaultName, probability = 1) => this.#faults.has(name) && random.chance(probability);
    return {
      latencyMs: has('latency') ? random.skewed(100) : 0.1,
      pauseMs: random.pick([0, 0, 0.05]),
      sliceBytes: this.#drawSlices(has('single bytes', 0.3), has('slices')),
      sendBufferBytes: has('small send buffers') ? random.between(100, 5_000) : PERFECT.sendBufferBytes,
      cutAfterBytes: has('cut after bytes', 0.4) ? random.skewed(50_000) : Number.POSITIVE_INFINITY,
      closeDelayMs: has('slow close', 0.5) ? random.below(3_000) : 0,
      loses: has('lost frames', 0.5) ? (bytes) => this.#losesFrames(bytes) : PERFECT.loses,
    };
  }

  /** Loses whole batches alone: a stream that is torn is noticed at once. */
  #losesFrames(bytes: Uint8Array): boolean {
    const isLost = areWholeBatches(Buffer.from(bytes)) && this.#random.chance(0.02);
    if (isLost) this.#frameWasLost = true;
    return isLost;
  }

  #drawSlices(areSingle: boolean, areSmall: boolean): number | (() => number) {
    const random = this.#random;
    const small = areSmall ? () => random.between(1, 1_500) : () => Number.POSITIVE_INFINITY;
    if (!areSingle) return small;
    let single = random.skewed(SINGLE_BYTES_MAX);
    return () => (single-- > 0 ? 1 : small());
  }
}

function areWholeBatches(bytes: Buffer): boolean {
  let at = 0;
  while (at + FRAME_HEADER_BYTES <= bytes.length) {
    if (bytes.toString('latin1', at, at + 4) !== 'FCRP') return false;
    if (bytes[at + KIND_OFFSET] !== FrameKind.MutationBatch) return false;
    at += FRAME_HEADER_BYTES + bytes.readUInt32LE(at + PAYLOAD_LENGTH_OFFSET);
  }
  return at === bytes.length;
}
