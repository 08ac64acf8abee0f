/**
 * Runs `frames verify`, which reports of each dump that it is sound and how much was checked, or every fault
 * and the next step.
 */
import chalk from 'chalk';
import type { Clock } from '../../clock.js';
import type { ShardSequences } from '../../dump/check/batch-check.js';
import type { VerifiedContent, VerifiedHistory } from '../../dump/check/verifier.js';
import { dumpName } from '../../dump/read/dump-reader.js';
import { type VerifiedDump, verifyDump } from '../../dump/verify/verify-dump.js';
import type { RouteMode } from '../../engine/types.js';
import { EXIT_BAD_FRAMES, FastcacheError } from '../../errors.js';
import { errorJson } from '../command/error-rendering.js';
import { refuseStdinTwice } from '../command/values.js';
import { escapeText } from '../terminal/escape.js';
import { toJson } from '../terminal/json.js';
import type { Output } from '../terminal/output.js';
import { countText, formatNumber } from '../terminal/text.js';
import { adviceFor } from './fault-advice.js';
import { ProgressLine } from './progress.js';

/** The arguments and flags of `frames verify`. */
export interface VerifyInvocation {
  /** Paths of the dumps; `-` is stdin. */
  files: readonly string[];
  route: RouteMode;
  /** The primary's shard count; undefined: the one in each dump's lists of watermarks. */
  shards: number | undefined;
  /** The most faults of a dump to list; the others are counted. */
  maxFaults: number;
  /** Whether a dump must also lead to a key space. */
  mustLoad: boolean;
  /** Whether content is compared with the digests of a dump, in memory as large as it. */
  provesContent: boolean;
  json: boolean;
  output: Output;
  terminal: NodeJS.WriteStream;
  clock: Clock;
  /** Reports a dump that could not be read and returns the exit status. */
  report(error: FastcacheError): Promise<number>;
}

/** The most shards that are listed for a person. */
const MAX_LISTED_SHARDS = 16;

/**
 * Verifies all dumps; resolves with the exit status: that of the first that is not as it must be, 0 when
 * there is none.
 */
export async function runVerify(invocation: VerifyInvocation): Promise<number> {
  const { files, route, shards, maxFaults, mustLoad, provesContent } = invocation;
  const { json, output, terminal, clock, report } = invocation;
  refuseStdinTwice(files);
  const progress = new ProgressLine(terminal, clock, 'verifying');
  const options = { route, shards, maxFaults, provesContent, onProgress: progress.show };
  let status = 0;
  if (json) await output.write('{"files":[');
  for (const [index, file] of files.entries()) {
    if (json) await output.write(index === 0 ? '\n' : ',\n');
    try {
      const dump = await verifyDump(file, options).finally(() => progress.close());
      await output.write(json ? toJson(dumpJson(dump)) : dumpText(dump, route));
      const isGood = dump.isSound && (dump.loadFault === undefined || !mustLoad);
      if (!isGood) status ||= EXIT_BAD_FRAMES;
    } catch (error) {
      if (!(error instanceof FastcacheError)) throw error;
      if (json) await output.write(toJson({ file: dumpName(file), ok: false, ...errorJson(error) }));
      const fileStatus = await report(error);
      status ||= fileStatus;
    }
  }
  if (json) await output.write(`\n],"ok":${status === 0}}\n`);
  return status;
}

function dumpJson({
  file,
  isSound,
  faults,
  faultCount,
  endsInsideLastFrame,
  loadFault,
  ...content
}: VerifiedDump): object {
  return {
    file,
    ok: isSound,
    loadable: loadFault === undefined,
    ...(loadFault && { notLoadable: placedJson(loadFault) }),
    ...content,
    endsInsideLastFrame,
    faultCount,
    faults: faults.map(({ fault, isCutTail }) => {
      const { expected, found } = fault;
      return { ...placedJson(fault), expected, found, advice: adviceFor(fault, isCutTail) };
    }),
  };
}

function placedJson({ code, offset, message }: FastcacheError): object {
  return { code, offset, message };
}

function dumpText(dump: VerifiedDump, route: RouteMode): string {
  const { file, faults, faultCount } = dump;
  const name = escapeText(file);
  const lines = faults.map(
    ({ fault }) =>
      `${escapeText(fault.place ?? file)}: ${escapeText(fault.message)} (${chalk.red(fault.code)})`,
  );
  if (faultCount > faults.length) {
    lines.push(
      `${name}: ${countText(faultCount - faults.length, 'more fault is', 'more faults are')} not listed`,
    );
  }
  const verdict = dump.isSound ? chalk.green('ok') : chalk.red(countText(faultCount, 'fault', 'faults'));
  lines.push(
    `${name}: ${verdict}`,
    `  ${loadText(dump)}`,
    ...contentText(dump, route).map((line) => `  ${line}`),
  );
  const advices = new Map(faults.map(({ fault, isCutTail }) => [adviceFor(fault, isCutTail), fault.code]));
  for (const [advice, code] of advices) lines.push(`  ${chalk.red(code)}: ${advice}`);
  return `${lines.join('\n')}\n`;
}

function loadText({ loadFault }: VerifiedDump): string {
  if (loadFault === undefined) return 'loadable: it leads to a key space';
  const { code, message, offset } = loadFault;
  const place = offset === undefined ? '' : `byte ${offset}: `;
  return `${chalk.yellow('not loadable')}: ${place}${escapeText(message)} (${code})`;
}

function contentText(content: VerifiedDump, route: RouteMode): string[] {
  const kinds = Object.entries(content.frames);
  const frames = kinds.reduce((sum, [, count]) => sum + count, 0);
  const listed = kinds.map(([kind, count]) => `${formatNumber(count)} ${kind}`).join(', ');
  const damaged = content.damagedBytes > 0 ? `, ${formatNumber(content.damagedBytes)} of them damaged` : '';
  return [
    `${countText(content.bytes, 'byte', 'bytes')}${damaged}`,
    `${countText(frames, 'frame', 'frames')}${frames === 0 ? '' : ` (${listed})`}`,
    [
      countText(content.records, 'record', 'records'),
      countText(content.entries, 'snapshot entry', 'snapshot entries'),
    ].join(', '),
    indexText(content),
    ...(content.comparedDigests > 0
      ? [`content compared with ${countText(content.comparedDigests, 'digest', 'digests')} of its shards`]
      : []),
    ...snapshotsText(content),
    ...content.histories.map(historyText),
    routingText(content, route),
    ...content.sequences.slice(0, MAX_LISTED_SHARDS).map(sequencesText),
    ...(content.sequences.length > MAX_LISTED_SHARDS
      ? [`and ${countText(content.sequences.length - MAX_LISTED_SHARDS, 'shard', 'shards')} more`]
      : []),
  ];
}

function indexText({ index: { state, frames, bytes: checked }, bytes }: VerifiedDump): string {
  const none = 'values were not checked: FCRP has no checksum of them, and ';
  if (state === 'missing') return `${none}there is no index (frames index makes one)`;
  if (state === 'unsound') return `${none}the file of the index is none (frames index makes one)`;
  if (state === 'foreign') return `${none}the index is that of another dump (frames index makes one)`;
  const hashed = `${countText(frames, 'frame', 'frames')} checked against the index, with all values`;
  if (checked >= bytes) return hashed;
  return `${hashed}; it has nothing behind byte ${checked}, where values were not checked`;
}

function snapshotsText({ snapshots, abandonedSnapshots }: VerifiedContent): string[] {
  return [
    ...(snapshots > 0 ? [`${countText(snapshots, 'snapshot', 'snapshots')}, from Begin to End`] : []),
    ...(abandonedSnapshots > 0
      ? [
          countText(abandonedSnapshots, 'snapshot', 'snapshots') +
            ' cut short by the next one or by a new connection',
        ]
      : []),
  ];
}

function historyText({ history, offset, base, continues }: VerifiedHistory): string {
  if (history === null) {
    const begun = `a history that begins behind ${base} continues the one before from byte ${offset} on`;
    return `${begun} without saying so, as after a promotion`;
  }
  return `history ${history} from byte ${offset} on${continues ? ', which continues the one before' : ''}`;
}

function routingText({ shards, records, routedRecords }: VerifiedContent, route: RouteMode): string {
  if (shards === null)
    return 'routing was not checked: the dump does not say how many shards there are (--shards does)';
  const unchecked = records - routedRecords;
  const checked = countText(routedRecords, 'record', 'records');
  const rest =
    unchecked > 0
      ? `; of ${formatNumber(unchecked)} not, which stand before the dump says how many shards there are`
      : '';
  return `${countText(shards, 'shard', 'shards')}, routing (${route}) checked of ${checked}${rest}`;
}

function sequencesText({ shard, first, last, records, skipped }: ShardSequences): string {
  const again = skipped > 0n ? `, ${formatNumber(skipped)} of them already seen` : '';
  const held = countText(records, 'record', 'records');
  return `shard ${shard}: sequences ${first} to ${last}, ${held}${again}`;
}
