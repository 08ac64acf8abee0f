/**
 * The seams of a node in a `VirtualWorld`: its process, its network and its disk; it has neither a Redis port
 * nor metrics.
 */
import type { ShardEngineOptions } from '../../src/engine/engine-options.js';
import { ShardEngine } from '../../src/engine/shard-engine.js';
import type { NodeFiles, NodeSeams } from '../../src/server/seams.js';
import type { Transport } from '../../src/transport/connection.js';
import type { VirtualProcess } from './virtual-process.js';

export interface VirtualParts {
  process: VirtualProcess;
  transport: Transport;
  files: NodeFiles;
  /** The real store when absent. */
  createEngine?(options: ShardEngineOptions): ShardEngine;
}

export function virtualSeams({ process, transport, files, createEngine }: VirtualParts): NodeSeams {
  return {
    ...process.seams,
    transport,
    files,
    ownAddresses: () => [],
    lookup: async (host) => [host],
    createEngine: createEngine ?? ((options) => new ShardEngine(options)),
    createRespServer: () => absent('a Redis port'),
    startMetricsServer: () => absent('metrics'),
    createTls: () => absent('TLS'),
  };
}

function absent(what: string): never {
  throw new Error(`a virtual node has no ${what}`);
}
