/**
 * `frames diff`: the key spaces of two dumps, or of a dump and a live primary, compared as of one moment, the later of the two:
 * what time alone has taken away is no difference.
 */
import { setImmediate } from 'node:timers/promises';
import type { Seams } from '../../clock.js';
import { type DifferenceCounts, differences } from '../../dump/fold/key-space-diff.js';
import { ToolStores } from '../../dump/fold/tool-stores.js';
import { dumpName } from '../../dump/read/dump-reader.js';
import type { ShardEngine } from '../../engine/shard-engine.js';
import { formatAddress, parseAddress } from '../../transport/address.js';
import type { Transport } from '../../transport/connection.js';
import { parseHostPort, refuseStdinTwice } from '../command/values.js';
import { type DiffRendering, type DiffSummary, diffRenderings } from '../rendering/diff.js';
import type { Output } from '../terminal/output.js';
import { KeyProgress } from '../terminal/read-progress.js';
import type { ValueForm } from '../terminal/text.js';
import { isAddress } from '../watermarks/endpoint.js';
import { readKeySpace } from './key-space.js';
import { followOnce } from './live-key-space.js';

export const diffFormats = ['text', 'ndjson'] as const;

export interface DiffOptions extends Seams {
  /** Each a dump, `-` for stdin, or an FCRP address. */
  before: string;
  after: string;
  format: (typeof diffFormats)[number] | 'json';
  values: ValueForm;
  token: string | undefined;
  transport: Transport;
  output: Output;
  terminal: NodeJS.WriteStream;
}

interface Side {
  name: string;
  store: ShardEngine;
  /** Unix ms; undefined: it tells no time. */
  atMs: number | undefined;
}

/** Text gathers to about this much before it is written. */
const WRITE_LENGTH = 65_536;
const DIFFERENT = 1;

/** Resolves with the exit status: 0 when they are equal, 1 when not. Throws as `loadDumps` and `followOnce`. */
export async function diffKeySpaces(options: DiffOptions): Promise<number> {
  refuseStdinTwice([options.before, options.after]);
  const stores = new ToolStores();
  const before = await readSide(options.before, stores, options);
  const after = await readSide(options.after, stores, options);
  const atMs = latest(before.atMs, after.atMs);
  const expiredBefore = stores.expire(before.store, atMs ?? 0);
  const expiredAfter = stores.expire(after.store, atMs ?? 0);

  const counts: DifferenceCounts = { added: 0, removed: 0, changed: 0, equal: 0 };
  const rendering = diffRenderings[options.format](options.values);
  await writeDifferences(before.store, after.store, counts, rendering, options);
  const summary: DiffSummary = {
    before: before.name,
    after: after.name,
    ...counts,
    atMs: atMs ?? null,
    expiredBefore,
    expiredAfter,
  };
  await options.output.write(rendering.end(summary));
  return counts.added + counts.removed + counts.changed === 0 ? 0 : DIFFERENT;
}

async function writeDifferences(
  before: ShardEngine,
  after: ShardEngine,
  counts: DifferenceCounts,
  rendering: DiffRendering,
  { output, terminal, clock }: DiffOptions,
): Promise<void> {
  const progress = new KeyProgress(terminal, clock, 'comparing');
  try {
    let gathered = rendering.begin;
    for (const found of differences(before, after, counts)) {
      for (const difference of found) {
        gathered += rendering.difference(difference);
        if (gathered.length < WRITE_LENGTH) continue;
        await output.write(gathered);
        gathered = '';
      }
      progress.reached(counts.equal + counts.changed + counts.removed + counts.added);
      // A signal may come.
      await setImmediate();
    }
    await output.write(gathered);
  } finally {
    progress.close();
  }
}

async function readSide(endpoint: string, stores: ToolStores, options: DiffOptions): Promise<Side> {
  if (!isAddress(endpoint)) {
    const { store, atMs } = await readKeySpace([endpoint], {}, { ...options, stores });
    return { name: dumpName(endpoint), store, atMs };
  }
  const address = parseAddress(parseHostPort(endpoint));
  const store = await followOnce(address, { ...options, stores });
  return { name: formatAddress(address), store, atMs: options.clock.nowMs() };
}

function latest(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.max(one, other);
}
