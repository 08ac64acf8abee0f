/** Nodes as they ship, in one virtual world, without clients' ports. */
import { primaryConfig, replicaConfig } from '../../src/server/config.js';
import { Node } from '../../src/server/node.js';
import type { ReplicaOptions } from '../../src/server/option-types.js';
import type { NodeSeams } from '../../src/server/seams.js';
import { parseAddress } from '../../src/transport/address.js';
import type { Address } from '../../src/transport/connection.js';
import { RandomSource } from './random.js';
import { VirtualDisk } from './virtual-disk.js';
import { VirtualProcess } from './virtual-process.js';
import { virtualSeams } from './virtual-seams.js';
import { VirtualTransport } from './virtual-transport.js';
import { VirtualWorld } from './virtual-world.js';

export interface StartedNode {
  node: Node;
  process: VirtualProcess;
  at: Address;
}

/** The options that tests set beside those of every node here. */
export type NodeOptions = Partial<Pick<ReplicaOptions, 'onDivergence' | 'digests' | 'shards' | 'route'>>;

export class NodeWorld {
  readonly world = new VirtualWorld();
  readonly transport = new VirtualTransport(this.world);
  readonly disk = new VirtualDisk(new RandomSource(1));

  /**
   * Starts a node; `more` are options of a primary or of a replica. `startMetricsServer`: it has a port of
   * metrics, which this opens.
   */
  async start(
    port: number,
    primary?: number,
    startMetricsServer?: NodeSeams['startMetricsServer'],
    more: NodeOptions = {},
  ): Promise<StartedNode> {
    const process = new VirtualProcess(this.world, new RandomSource(port));
    const bind = `127.0.0.1:${port}`;
    const metrics = startMetricsServer && '127.0.0.1:9121';
    const options = { bind, listen: false, record: `dump-${port}`, force: true, metrics, ...more } as const;
    const config =
      primary === undefined ? primaryConfig(options) : replicaConfig(`127.0.0.1:${primary}`, options);
    const transport = this.transport.of(process);
    const seams = virtualSeams({ process, transport, files: this.disk.of(process) });
    const node = await Node.start(config, { ...seams, ...(startMetricsServer && { startMetricsServer }) });
    return { node, process, at: parseAddress(bind) };
  }

  /** Runs until `done`, and lets what awaits go on between events. */
  async until(done: () => boolean, limitMs = 60_000): Promise<void> {
    const untilMs = this.world.nowMs + limitMs;
    while (!done()) {
      if (!this.world.step(untilMs)) throw new Error(`nothing more happens within ${limitMs} virtual ms`);
      await new Promise(setImmediate);
    }
  }

  /** Runs all that happens within the next `durationMs`. */
  async run(durationMs: number): Promise<void> {
    const endMs = this.world.nowMs + durationMs;
    while (this.world.step(endMs)) await new Promise(setImmediate);
    this.world.run(Math.max(0, endMs - this.world.nowMs));
  }

  isLevel(...nodes: readonly Node[]): boolean {
    const [first, ...others] = nodes.map((node) => `${node.history?.id} ${node.watermarks().join()}`);
    return others.every((other) => other === first);
  }
}
