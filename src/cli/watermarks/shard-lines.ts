/**
 * The shards of an endpoint as a table for a person: each as `+n` past the base of the history with the exact
 * sequence beside it (docs/architecture.md, "Histories"), and the replica that is furthest behind in it.
 */
import chalk from 'chalk';
import { shownName } from '../../replication/primary/replica-info.js';
import { watermarkOf } from '../../replication/watermarks.js';
import type { ReplicaEntry } from '../../status/replica-entry.js';
import type { EndpointWatermarks } from '../../status/watermarks.js';
import { alignCells, type Cell } from '../terminal/columns.js';
import { escapeText } from '../terminal/escape.js';
import { formatNumber } from '../terminal/text.js';

/** Returns the lines of the table, without line ends. */
export function shardLines({ watermarks, base, status }: EndpointWatermarks): string[] {
  const hasReplicas = status !== undefined && status.replicas.length > 0;
  const heading = [
    'shard',
    ...(base === null ? [] : ['past base']),
    'watermark',
    ...(hasReplicas ? ['most lag', 'ms', 'of'] : []),
  ].map((text): Cell => ({ text, isLeft: text === 'of', style: chalk.dim }));
  const rows = watermarks.map((watermark, shard): Cell[] => [
    { text: `${shard}` },
    ...(base === null ? [] : [{ text: signed(watermark - base) }]),
    { text: `${watermark}` },
    ...(hasReplicas ? worstCells(status.replicas, shard, watermark) : []),
  ]);
  return alignCells([heading, ...rows]);
}

/** The cells of the replica that lacks most of a shard, or that holds more of it than there is. */
function worstCells(replicas: readonly ReplicaEntry[], shard: number, watermark: bigint): Cell[] {
  const ahead = replicas.find(({ watermarks }) => watermarkOf(watermarks, shard) > watermark);
  if (ahead !== undefined) {
    const excess = watermarkOf(ahead.watermarks, shard) - watermark;
    return [{ text: signed(-excess), style: chalk.red }, { text: '' }, nameCell(ahead)];
  }
  const lagging = replicas.filter(({ shardLagRecords }) => (shardLagRecords[shard] ?? 0) > 0);
  const [worst] = lagging.sort((left, right) => right.shardLagRecords[shard]! - left.shardLagRecords[shard]!);
  if (worst === undefined) return [{ text: '0' }, { text: '' }, { text: '' }];
  const lagMs = worst.shardLagMs[shard] ?? null;
  return [
    { text: formatNumber(worst.shardLagRecords[shard]!), style: chalk.yellow },
    { text: lagMs === null ? '-' : formatNumber(lagMs), style: chalk.yellow },
    nameCell(worst),
  ];
}

function nameCell(replica: ReplicaEntry): Cell {
  return { text: escapeText(shownName(replica)), isLeft: true };
}

/** A difference with its sign: `+1,204`. Below the base it is negative: that is of another history. */
function signed(difference: bigint): string {
  return difference < 0n ? `-${formatNumber(-difference)}` : `+${formatNumber(difference)}`;
}
