/** Clients that wait for replicas, and the cost of an acknowledgement where many do. */
import { describe, expect, it } from 'vitest';
import type { AckedReplica } from '../../../src/replication/primary/acknowledgements.js';
import { type WaitOptions, waitForReplicas } from '../../../src/replication/primary/wait.js';
import { VirtualWorld } from '../../support/virtual-world.js';

const TARGET = [5n, 7n];

/** Replicas that have nothing at first, and how often it was looked at what one has. */
class Replicas {
  readonly world = new VirtualWorld();
  readonly connected: (AckedReplica & { acknowledged: readonly bigint[] })[] = [];
  looks = 0;
  readonly #listeners = new Set<(replica: AckedReplica) => void>();

  constructor(count: number) {
    while (this.connected.length < count) this.come();
  }

  come(): void {
    let held: readonly bigint[] = [0n, 0n];
    const look = () => {
      this.looks += 1;
      return held;
    };
    this.connected.push({
      get acknowledged() {
        return look();
      },
      set acknowledged(acknowledged) {
        held = acknowledged;
      },
      synced: undefined,
    });
  }

  acknowledge(index: number, held = TARGET): void {
    const replica = this.connected[index]!;
    replica.acknowledged = held;
    for (const listener of this.#listeners) listener(replica);
  }

  wait(wanted: number, timeoutMs = 0): number[] {
    const answers: number[] = [];
    const options: WaitOptions = {
      timers: this.world.seams.timers,
      publisher: { store: { watermarks: () => TARGET } } as unknown as WaitOptions['publisher'],
      listener: {
        replicasThat: (isMeant) => this.connected.filter(isMeant),
        ask() {},
        onAck: (listener) => {
          this.#listeners.add(listener);
          return () => this.#listeners.delete(listener);
        },
      },
    };
    waitForReplicas(options, wanted, timeoutMs, (count) => answers.push(count));
    return answers;
  }
}

describe('a client that waits', () => {
  it('is answered as soon as so many replicas have all, and not before', () => {
    const replicas = new Replicas(3);
    replicas.acknowledge(0);
    const answers = replicas.wait(2);
    replicas.acknowledge(0);
    replicas.acknowledge(1, [5n, 6n]);
    expect(answers).toEqual([]);
    replicas.acknowledge(1);
    replicas.acknowledge(2);
    expect(answers).toEqual([2]);
  });

  it('is not answered by a replica that has left, and is by the one that comes instead', () => {
    const replicas = new Replicas(2);
    const answers = replicas.wait(2);
    replicas.acknowledge(0);
    replicas.connected.shift();
    replicas.acknowledge(0);
    expect(answers).toEqual([]);
    replicas.come();
    replicas.acknowledge(1);
    expect(answers).toEqual([2]);
  });

  it('is answered in time with how many have all then', () => {
    const replicas = new Replicas(2);
    const answers = replicas.wait(2, 100);
    replicas.acknowledge(1);
    replicas.world.run(101);
    expect(answers).toEqual([1]);
    expect(replicas.world.pending).toBe(0);
  });

  it('looks at the replica that acknowledges, however many there are', () => {
    const replicas = new Replicas(16);
    const waiting = Array.from({ length: 100 }, () => replicas.wait(16));
    replicas.looks = 0;
    for (let index = 0; index < 15; index += 1) {
      for (let times = 0; times < 3; times += 1) replicas.acknowledge(index);
    }
    // Each of those who wait has looked once at each replica.
    expect(replicas.looks).toBe(100 * 15);
    replicas.acknowledge(15);
    expect(waiting.every(([count]) => count === 16)).toBe(true);
  });
});
