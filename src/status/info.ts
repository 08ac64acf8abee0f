/**
 * Renders INFO's text (reference: Redis' own field names) from what a server knows of itself. A field of
 * which it knows nothing is left out rather than shown wrongly.
 */
import {
  clientFields,
  commandFields,
  cpuFields,
  errorFields,
  keyspaceFields,
  latencyFields,
  persistenceFields,
  serverFields,
  statsFields,
} from './info-fields.js';
import { memoryFields } from './info-memory.js';
import type { Fields, ServerStatus } from './status-facts.js';

interface Section {
  readonly title: string;
  readonly isDefault: boolean;
  readonly fields: (status: ServerStatus) => Fields;
}

const EVERYTHING = ['all', 'everything'];

/** Renders the sections that are asked for (lower case), the default ones when none is. */
export function renderInfo(status: ServerStatus, asked: readonly string[]): string {
  const wantsAll = asked.some((name) => EVERYTHING.includes(name));
  const wantsDefault = asked.length === 0 || asked.includes('default');
  return Object.entries(sections)
    .filter(([name, { isDefault }]) => wantsAll || (wantsDefault && isDefault) || asked.includes(name))
    .map(([, section]) => renderSection(section, status))
    .join('\r\n');
}

function renderSection({ title, fields }: Section, status: ServerStatus): string {
  const lines = Object.entries(fields(status))
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => `${field}:${value}\r\n`);
  return `# ${title}\r\n${lines.join('')}`;
}

/** The sections in Redis' order. */
const sections: Record<string, Section> = {
  server: { title: 'Server', isDefault: true, fields: serverFields },
  clients: { title: 'Clients', isDefault: true, fields: clientFields },
  memory: { title: 'Memory', isDefault: true, fields: memoryFields },
  persistence: { title: 'Persistence', isDefault: true, fields: persistenceFields },
  stats: { title: 'Stats', isDefault: true, fields: statsFields },
  replication: {
    title: 'Replication',
    isDefault: true,
    fields: ({ role, replication }) => ({ role, ...replication }),
  },
  cpu: { title: 'CPU', isDefault: true, fields: cpuFields },
  modules: { title: 'Modules', isDefault: true, fields: () => ({}) },
  commandstats: { title: 'Commandstats', isDefault: false, fields: commandFields },
  errorstats: { title: 'Errorstats', isDefault: true, fields: errorFields },
  latencystats: { title: 'Latencystats', isDefault: false, fields: latencyFields },
  cluster: { title: 'Cluster', isDefault: true, fields: () => ({ cluster_enabled: 0 }) },
  keyspace: { title: 'Keyspace', isDefault: true, fields: keyspaceFields },
};
