/**
 * The seams of a node in production: the only place of a server that names the system's clock, TCP and files.
 */
import { systemSeams } from '../clock.js';
import { loadDumps } from '../dump/fold/load.js';
import { refuseInPlace } from '../dump/make/dump-output.js';
import { ShardEngine } from '../engine/shard-engine.js';
import { openFileSink } from '../files/file-sink.js';
import { readStateFile, replaceStateFile } from '../files/state-file.js';
import { RespServer } from '../resp/server.js';
import { startMetricsServer } from '../status/metrics/metrics-server.js';
import { tcpTransport } from '../transport/tcp.js';
import type { NodeSeams } from './seams.js';

/** The system's clock, timers and randomness, TCP, and the file system. */
export const systemNodeSeams: NodeSeams = {
  ...systemSeams,
  transport: tcpTransport,
  files: {
    openSink: openFileSink,
    readState: readStateFile,
    replaceState: replaceStateFile,
    loadDump: loadDumps,
    refuseInPlace,
  },
  createEngine: (options) => new ShardEngine(options),
  createRespServer: (options) => new RespServer(options),
  startMetricsServer,
};
