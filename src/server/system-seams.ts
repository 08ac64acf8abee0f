/**
 * The seams of a node in production: the only place of a server that names the system's clock, TCP and files.
 */
import { statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { systemSeams } from '../clock.js';
import { ShardEngine } from '../engine/shard-engine.js';
import { openFileSink } from '../files/file-sink.js';
import { readPemFile } from '../files/pem-file.js';
import { readStateFile, replaceStateFile, syncStateFile } from '../files/state-file.js';
import { RespServer } from '../resp/server.js';
import { tcpTransport } from '../transport/tcp.js';
import type { NodeSeams } from './seams.js';

/**
 * The system's clock, timers and randomness, TCP, and the file system. Code that few servers use is loaded by
 * those servers only (docs/performance.md, "Start").
 */
export const systemNodeSeams: NodeSeams = {
  ...systemSeams,
  transport: tcpTransport,
  files: {
    openSink: openFileSink,
    dumpBytes: (path) => {
      const stats = statSync(path, { throwIfNoEntry: false });
      return stats?.isFile() === true ? stats.size : 0;
    },
    wholeDump: async (path) => (await import('../frame-index/whole-dump.js')).wholeDump(path),
    indexedSink: async (path, sink, options) =>
      statSync(path).isFile()
        ? (await import('../frame-index/indexed-sink.js')).indexedSink(path, sink, options)
        : sink,
    readState: readStateFile,
    replaceState: replaceStateFile,
    syncState: syncStateFile,
    openData: async (...given) => (await import('../data/system-data-files.js')).systemDataFiles(...given),
    readPem: readPemFile,
    loadContent: async (options) => (await import('../dump/rdb/load-content.js')).loadContent(options),
    refuseInPlace: async (input, output) =>
      (await import('../dump/make/dump-output.js')).refuseInPlace(input, output),
  },
  ownAddresses: () =>
    Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address)),
  async lookup(host) {
    const { lookup } = await import('node:dns/promises');
    return lookup(host, { all: true }).then(
      (found) => found.map(({ address }) => address),
      () => [],
    );
  },
  createEngine: (options) => new ShardEngine(options),
  createRespServer: (options) => new RespServer(options),
  startMetricsServer: async (...given) =>
    (await import('../status/metrics/metrics-server.js')).startMetricsServer(...given),
  createTls: async (...given) => new (await import('../transport/tls.js')).Tls(...given),
};
