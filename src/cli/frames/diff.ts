/**
 * Runs `frames diff`, which compares the key spaces of two dumps, or of a dump and a live primary, as of one
 * moment.
 */
import type { Seams } from '../../clock.js';
import { diffKeySpaces } from '../../dump/fold/diff-key-spaces.js';
import type { FoldedKeySpace } from '../../dump/fold/folded-key-space.js';
import { dumpName } from '../../dump/read/dump-reader.js';
import { formatAddress, parseAddress } from '../../transport/address.js';
import type { Transport } from '../../transport/connection.js';
import { parseHostPort, refuseStdinTwice } from '../command/values.js';
import { diffRenderings } from '../rendering/diff.js';
import type { Output } from '../terminal/output.js';
import { KeyProgress } from '../terminal/read-progress.js';
import type { ValueForm } from '../terminal/text.js';
import { isAddress } from '../watermarks/endpoint.js';
import { followOnce } from './live-key-space.js';
import { readDump } from './read-dump.js';

/** The values of `--format`. */
export const diffFormats = ['text', 'ndjson'] as const;

/** The arguments and flags of `frames diff`. */
export interface DiffInvocation extends Seams {
  /** The first key space: a dump, a data directory, `-` for stdin, or an FCRP address. */
  before: string;
  /** The second key space, given like the first. */
  after: string;
  format: (typeof diffFormats)[number] | 'json';
  values: ValueForm;
  /** The token for a primary that requires one; undefined for none. */
  token: string | undefined;
  transport: Transport;
  output: Output;
  terminal: NodeJS.WriteStream;
}

/** Text gathers to about this much before it is written. */
const WRITE_LENGTH = 65_536;
const DIFFERENT = 1;

/**
 * Compares the key spaces. Resolves with the exit status: 0 when they are equal, 1 when not. Rejects as
 * `foldDump` and `followOnce`.
 */
export async function runDiff(invocation: DiffInvocation): Promise<number> {
  const { format, values, output, terminal, clock } = invocation;
  refuseStdinTwice([invocation.before, invocation.after]);
  const before = await readSide(invocation.before, invocation);
  const after = await readSide(invocation.after, invocation);
  const rendering = diffRenderings[format](values);
  let gathered = rendering.begin;
  const progress = new KeyProgress(terminal, clock, 'comparing');
  const { isEqual, ...counts } = await diffKeySpaces(before.keySpace, after.keySpace, {
    onCompared: (keys) => progress.reached(keys),
    onDifference(difference) {
      gathered += rendering.difference(difference);
      if (gathered.length < WRITE_LENGTH) return undefined;
      const text = gathered;
      gathered = '';
      return output.write(text);
    },
  }).finally(() => progress.close());
  await output.write(gathered);
  await output.write(rendering.end({ before: before.name, after: after.name, ...counts }));
  return isEqual ? 0 : DIFFERENT;
}

interface Side {
  name: string;
  keySpace: FoldedKeySpace;
}

async function readSide(endpoint: string, invocation: DiffInvocation): Promise<Side> {
  const { terminal, clock } = invocation;
  if (isAddress(endpoint)) {
    const address = parseAddress(parseHostPort(endpoint));
    return { name: formatAddress(address), keySpace: await followOnce(address, invocation) };
  }
  return { name: dumpName(endpoint), keySpace: await readDump(endpoint, { terminal, clock }) };
}
