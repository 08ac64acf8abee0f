/** Runs `verify`, which compares what two sides hold, and can have one repaired from the other. */
import type { Seams } from '../../clock.js';
import { type CompareOptions, type Comparison, compareSides } from '../../compare/compare.js';
import type { Pair } from '../../compare/confirm.js';
import { nameOf } from '../../compare/long-keys.js';
import { checkRepair, publishAgain } from '../../compare/repair.js';
import type { Side } from '../../compare/side.js';
import type { Transport } from '../../transport/connection.js';
import { refuseStdinTwice } from '../command/values.js';
import type { Output } from '../terminal/output.js';
import { StatusLine } from '../terminal/status-line.js';
import { openSide } from './open-side.js';
import { comparisonJson, comparisonText } from './rendering.js';

/** The arguments and flags of `verify`. */
export interface VerifyRun extends Seams {
  /** Addresses, dumps or data directories. */
  sides: Pair<string>;
  /** The most differences that are listed. */
  limit: number;
  repairs: boolean;
  token: string | undefined;
  transport: Transport;
  signal: AbortSignal;
  json: boolean;
  output: Output;
  terminal: NodeJS.WriteStream;
}

const DIFFERENT = 1;
/** The exit status where it is not known whether both hold the same. */
export const UNKNOWN = 3;

/** The most times that keys which differ are published again, while fewer and fewer differ. */
const REPAIR_ROUNDS = 1_000;

/**
 * Compares; resolves with the exit status, 0 when both hold the same, if need be behind the repair. Rejects
 * as `openSide`, `compareSides` and `checkRepair`.
 */
export async function runVerify(run: VerifyRun): Promise<number> {
  refuseStdinTwice(run.sides);
  const line = run.terminal.isTTY ? new StatusLine(run.terminal) : undefined;
  const opened: Side[] = [];
  try {
    for (const text of run.sides) opened.push(await openSide(text, run));
    const sides = opened as unknown as Pair<Side>;
    if (run.repairs) await checkRepair(sides);
    const options: CompareOptions = {
      ...run,
      onProgress: (stage, share) =>
        line?.show(`comparing ${stage === 'keys' ? 'keys' : 'digests'}: ${Math.floor(share * 100)} %`),
    };
    const first = await compareSides(sides, options);
    const { published, last } = run.repairs
      ? await repair(sides, first, options)
      : { published: undefined, last: first };
    line?.show('');
    const names = [sides[0].name, sides[1].name] as const;
    const render = run.json ? comparisonJson : comparisonText;
    await run.output.line(render(names, first, published, last));
    if (!last.isEqual)
      return last.differences.length + last.partsLeft + last.unexplainedShards.length > 0
        ? DIFFERENT
        : UNKNOWN;
    return last.changingKeys > 0 ? UNKNOWN : 0;
  } finally {
    line?.show('');
    for (const side of opened) side.close();
  }
}

/** Has what differs published again until nothing does, or nothing gets better. */
async function repair(
  sides: Pair<Side>,
  first: Comparison,
  options: CompareOptions,
): Promise<{ published: number; last: Comparison }> {
  let published = 0;
  let last = first;
  for (let round = 0; round < REPAIR_ROUNDS && last.differences.length > 0; round += 1) {
    const seen = new Set(last.differences.map(({ key, long }) => nameOf(long ?? key)));
    published += await publishAgain(sides[0], last.differences);
    last = await compareSides(sides, options);
    if (last.differences.some(({ key, long }) => seen.has(nameOf(long ?? key)))) break;
  }
  return { published, last };
}
