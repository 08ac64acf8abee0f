/** Runs `data repair`, which makes a new data directory of all that is whole in a damaged one. */
import chalk from 'chalk';
import type { Clock } from '../../clock.js';
import type { Manifest } from '../../data/manifest.js';
import { makeDirectory } from '../../data/new-directory.js';
import { type Survey, surveyDirectory, writeRepaired } from '../../data/repair/repair.js';
import type { FileReport, LossTotals, LostSequences, RepairLoss } from '../../data/repair/report.js';
import { EXIT_BAD_FRAMES } from '../../errors.js';
import { untilExit } from '../command/shutdown.js';
import { ProgressLine } from '../frames/progress.js';
import { escapeText } from '../terminal/escape.js';
import { toJson } from '../terminal/json.js';
import type { Output } from '../terminal/output.js';
import { countText, formatNumber } from '../terminal/text.js';

/** The arguments and flags of `data repair`. */
export interface RepairInvocation {
  directory: string;
  /** Path of the directory to make. */
  target: string;
  json: boolean;
  output: Output;
  terminal: NodeJS.WriteStream;
  clock: Clock;
}

/** The new directory. */
interface Repaired {
  readonly survey: Survey;
  readonly manifest: Manifest;
}

/**
 * Repairs a directory. Resolves with the exit status: 0 when nothing was lost, 65 when something was. Rejects
 * as `surveyDirectory`, `writeRepaired` and `makeDirectory`.
 */
export async function runRepair(invocation: RepairInvocation): Promise<number> {
  const { directory, target, json, output, terminal, clock } = invocation;
  const progress = new ProgressLine(terminal, clock, 'reading');
  const repaired: Repaired = await untilExit((signal) =>
    makeDirectory(target, signal, async (files) => {
      const survey = await surveyDirectory(directory, (source, bytes) =>
        progress.show({ stage: 'reading', source, bytes }),
      ).finally(() => progress.close());
      return { survey, manifest: await writeRepaired(directory, survey, files) };
    }),
  );
  await output.write(json ? repairedJson(invocation, repaired) : repairedText(invocation, repaired));
  return repaired.survey.report.hasLosses ? EXIT_BAD_FRAMES : 0;
}

function repairedJson({ directory, target }: RepairInvocation, { survey, manifest }: Repaired): string {
  const { report, manifestFault } = survey;
  return `${toJson({
    directory,
    target,
    ok: !report.hasLosses,
    isManifestRebuilt: manifestFault !== undefined,
    segments: manifest.segments.length,
    bases: manifest.bases.length,
    lost: report.totals,
    files: report.files.map(({ name, index, tornBytes, losses }) => ({
      file: name,
      index: index ?? null,
      tornBytes,
      losses: losses.map((loss) => ({
        ...loss,
        offset: loss.offset ?? null,
        end: loss.end ?? null,
        sequences: loss.sequences ?? null,
      })),
    })),
  })}\n`;
}

function repairedText({ directory, target }: RepairInvocation, { survey, manifest }: Repaired): string {
  const { segments, bases } = manifest;
  const { report, manifestFault } = survey;
  const bytes = [...segments, ...bases].reduce((sum, entry) => sum + (entry.bytes ?? 0), 0);
  const kept = [
    countText(segments.length, 'segment', 'segments'),
    countText(bases.length, 'base', 'bases'),
    countText(bytes, 'byte', 'bytes'),
  ];
  const verdict = report.hasLosses
    ? chalk.red('not all could be taken over')
    : chalk.green('nothing was lost');
  const lines = [
    `${chalk.bold(escapeText(target))}: ${kept.join(', ')} of ${escapeText(directory)}; ${verdict}`,
    ...(manifestFault === undefined
      ? []
      : [
          '  the manifest is made anew from the files; its times are those at which segments were made and bases last written',
        ]),
    ...(report.hasLosses ? [`  left out: ${totalsText(report.totals)}`] : []),
    ...report.files.flatMap(fileLines),
  ];
  return `${lines.join('\n')}\n`;
}

function totalsText({ records, isExact, bytes, bases }: LossTotals): string {
  const parts = [
    `${isExact ? '' : 'at least '}${countText(Number(records), 'record', 'records')}`,
    countText(bytes, 'byte of segments', 'bytes of segments'),
    ...(bases === 0 ? [] : [countText(bases, 'base', 'bases')]),
  ];
  return parts.join(', ');
}

function fileLines({ name, index, tornBytes, losses }: FileReport): string[] {
  const notes = [
    ...(index === undefined || index === 'used'
      ? []
      : ['its index is made anew; without one, a changed value is not noticed']),
    ...(tornBytes === 0
      ? []
      : [`its last ${countText(tornBytes, 'byte', 'bytes')} were never synced, and are cut`]),
  ];
  return [
    ...notes.map((note) => `  ${name}: ${note}`),
    ...losses.map((loss) => `  ${name}${lossText(loss)}`),
  ];
}

function lossText({ code, message, offset, end, sequences }: RepairLoss): string {
  const place =
    offset === undefined
      ? ''
      : end === undefined
        ? `, byte ${offset}`
        : `, bytes ${offset} to ${end - 1} (${formatNumber(end - offset)})`;
  const lost = sequences === undefined || sequences.length === 0 ? '' : `; lost: ${sequencesText(sequences)}`;
  return `${place}: ${escapeText(message.replace(/\.$/, ''))} (${chalk.red(code)})${lost}`;
}

function sequencesText(sequences: readonly LostSequences[]): string {
  return sequences
    .map(({ shard, from, to }) =>
      from === to ? `sequence ${from} of shard ${shard}` : `sequences ${from} to ${to} of shard ${shard}`,
    )
    .join(', ');
}
