/** INFO's text (reference: Redis' own field names) from what a server knows of itself. */

export interface ServerStatus {
  role: 'master' | 'slave';
  version: string;
  uptimeMs: number;
  tcpPort: number;
  connectedClients: number;
  usedMemoryBytes: number;
  keys: number;
  expiringKeys: number;
  commandsProcessed: number;
  expiredKeys: number;
  /** The lines of the replication section behind `role`. */
  replication: Record<string, string | number>;
}

/** The Redis whose commands these are; clients decide by it what they may use. */
export const REDIS_VERSION = '7.0.15';

/** The sections that are asked for, all of them when none is. */
export function renderInfo(status: ServerStatus, asked: readonly string[]): string {
  const wanted = asked.length === 0 || asked.some((name) => ['all', 'default', 'everything'].includes(name));
  const sections = Object.entries(sectionsOf(status)).filter(([name]) => wanted || asked.includes(name));
  return sections
    .map(([name, fields]) => {
      const lines = Object.entries(fields).map(([field, value]) => `${field}:${value}\r\n`);
      return `# ${name[0]!.toUpperCase()}${name.slice(1)}\r\n${lines.join('')}`;
    })
    .join('\r\n');
}

function sectionsOf(status: ServerStatus): Record<string, Record<string, string | number>> {
  return {
    server: {
      redis_version: REDIS_VERSION,
      fastcache_version: status.version,
      redis_mode: 'standalone',
      process_id: process.pid,
      tcp_port: status.tcpPort,
      uptime_in_seconds: Math.floor(status.uptimeMs / 1000),
    },
    clients: { connected_clients: status.connectedClients },
    memory: { used_memory: status.usedMemoryBytes },
    persistence: { loading: 0 },
    stats: { total_commands_processed: status.commandsProcessed, expired_keys: status.expiredKeys },
    replication: { role: status.role, ...status.replication },
    keyspace:
      status.keys === 0 ? {} : { db0: `keys=${status.keys},expires=${status.expiringKeys},avg_ttl=0` },
  };
}
