/** Runs `import`: shows how far it is, and reports what has become of it. */
import chalk from 'chalk';
import type { ImportCounts } from '../../import/counts.js';
import { Import } from '../../import/import.js';
import type { ImportOptions, ImportProgress, ImportResult } from '../../import/options.js';
import { formatAddress } from '../../transport/address.js';
import { faultInFlags, inFlags } from '../command/option-flags.js';
import { signalStatuses } from '../command/shutdown.js';
import { escapeText } from '../terminal/escape.js';
import { toJson } from '../terminal/json.js';
import type { Output } from '../terminal/output.js';
import { Rate, StatusLine } from '../terminal/status-line.js';
import { countText, formatNumber, formatTime } from '../terminal/text.js';

/** The flags and the seams of `import`; the reason of `signal` is the name of a process signal. */
export interface ImportInvocation extends Omit<ImportOptions, 'onProgress' | 'onEvent'> {
  json: boolean;
  output: Output;
  terminal: NodeJS.WriteStream;
  /** Has `cutOver` called when the user asks for it. */
  onCutOverAsked(cutOver: () => void): void;
}

const REFRESH_US = 200_000;
const MIB = 1_048_576;

/**
 * Imports. Resolves with 0 after a cut-over, with 1 when the target refused commands, and with 130 or 143
 * after a signal. Throws what `Import.run` throws, in flags.
 */
export async function runImport(invocation: ImportInvocation): Promise<number> {
  const { json, output, signal, source, to } = invocation;
  const line = new ImportLine(invocation);
  const importing = new Import({
    ...invocation,
    onProgress: (progress) => line.show(progress),
    onEvent: (text) => line.note(inFlags(text)),
  });
  invocation.onCutOverAsked(() => importing.cutOver());
  const result = await importing
    .run()
    .catch((error) => {
      throw faultInFlags(error, (option) => (option === 'skipOthers' ? 'skip-others' : option));
    })
    .finally(() => line.close());
  const ends = { source: formatAddress(source.address), to };
  await output.write(json ? resultJson(result, ends) : resultText(result, ends));
  if (signal.aborted && result.keys === undefined) {
    return signalStatuses[signal.reason as keyof typeof signalStatuses];
  }
  return result.counts.refused.size > 0 ? 1 : 0;
}

interface Ends {
  source: string;
  to: string;
}

/** The line of the terminal that shows how far it is. */
class ImportLine {
  readonly #invocation: ImportInvocation;
  readonly #line: StatusLine | undefined;
  readonly #rate = new Rate();
  #nextUs = 0;

  constructor(invocation: ImportInvocation) {
    this.#invocation = invocation;
    const { terminal, clock } = invocation;
    this.#line = terminal.isTTY ? new StatusLine(terminal) : undefined;
    this.#rate.look(0, clock.monotonicUs());
  }

  show(progress: ImportProgress): void {
    if (this.#line === undefined) return;
    const nowUs = this.#invocation.clock.monotonicUs();
    if (nowUs < this.#nextUs) return;
    this.#nextUs = nowUs + REFRESH_US;
    this.#line.show(progressText(progress, (count) => this.#rate.look(count, nowUs)));
  }

  note(text: string): void {
    if (this.#line !== undefined) this.#line.print(escapeText(text));
    else this.#invocation.terminal.write(`${escapeText(text)}\n`);
  }

  close(): void {
    this.#line?.show('');
  }
}

function progressText(
  { phase, counts, fileRead, fileBytes, lagBytes }: ImportProgress,
  rateOf: (count: number) => string,
): string {
  if (phase === 'connecting') return 'connecting to the source';
  if (phase === 'waiting') return 'waiting for the snapshot of the source';
  if (phase === 'loading') {
    const share = fileBytes ? ` of ${formatNumber(Math.ceil(fileBytes / MIB))}` : '';
    return `loading ${formatNumber(Math.ceil(fileRead / MIB))}${share} MiB`;
  }
  const lag = lagBytes === undefined ? '' : `, ${formatNumber(lagBytes)} bytes behind`;
  return `${phase}: ${formatNumber(counts.commands)} commands, ${rateOf(counts.commands)}${lag}`;
}

function resultJson({ counts, keys, pausedUntilMs }: ImportResult, ends: Ends): string {
  const { types, databases, foreign, refused, ...numbers } = counts;
  const named = { types, databases, foreign, refused };
  const objects = Object.entries(named).map(([name, map]) => [name, Object.fromEntries(map)]);
  return `${toJson({
    ...ends,
    outcome: keys === undefined ? 'stopped' : 'cut-over',
    keys: keys ?? null,
    pausedUntilMs: pausedUntilMs ?? null,
    ...numbers,
    ...Object.fromEntries(objects),
  })}\n`;
}

function resultText({ counts, keys, pausedUntilMs }: ImportResult, { source, to }: Ends): string {
  const { loaded, commands, fullSyncs, partialSyncs } = counts;
  const lines = [
    `${countText(loaded, 'key', 'keys')} loaded, ${countText(commands, 'command', 'commands')} followed` +
      (fullSyncs > 1 || partialSyncs > 0
        ? `; ${countText(fullSyncs, 'full sync', 'full syncs')}, ${countText(partialSyncs, 'partial one', 'partial ones')}`
        : ''),
    ...leftOutLines(counts),
  ];
  if (keys !== undefined && pausedUntilMs !== undefined) {
    lines.push(
      `${to} has all that ${source} has: ${countText(keys, 'key', 'keys')}. Clients may move now.`,
      `Writes at ${source} are paused until ${formatTime(BigInt(Math.round(pausedUntilMs)))};`,
      'CLIENT UNPAUSE there ends that.',
    );
  } else lines.push(chalk.yellow(`stopped; ${to} keeps what it has, and follows no more`));
  return `${lines.join('\n')}\n`;
}

function leftOutLines({ types, databases, foreign, refused }: ImportCounts): string[] {
  const listed = (counts: ReadonlyMap<string, number>) =>
    Array.from(counts, ([name, count]) => `${formatNumber(count)} ${escapeText(name)}`).join(', ');
  return [
    ...(types.size > 0 ? [`  left out, by type: ${listed(types)}`] : []),
    ...Array.from(databases, ([name, count]) => `  left out: ${formatNumber(count)} in database ${name}`),
    ...(foreign.size > 0 ? [`  commands left out: ${listed(foreign)}`] : []),
    ...Array.from(refused, ([words, count]) =>
      chalk.red(`  ${formatNumber(count)} refused: ${escapeText(words)}`),
    ),
  ];
}
