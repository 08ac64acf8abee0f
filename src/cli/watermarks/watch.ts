/**
 * `watermarks --watch`: asks again and again, and shows the answers in place on a terminal, elsewhere one
 * after the other.
 */
import chalk from 'chalk';
import { type EndpointAnswer, endpointJson } from '../../status/watermarks.js';
import { errorText } from '../command/error-rendering.js';
import { escapeText } from '../terminal/escape.js';
import { toJson } from '../terminal/json.js';
import { LiveScreen, type Terminal } from '../terminal/live-screen.js';
import type { Output } from '../terminal/output.js';
import { formatTime } from '../terminal/text.js';
import { eachLook, type LookOptions } from './each-look.js';
import { type TableOptions, tableOptions, watermarksText } from './text.js';

/** The servers to watch, and the output. */
export interface WatchOptions extends LookOptions {
  json: boolean;
  output: Output;
  /** The terminal; undefined when stdout is none. */
  terminal: Terminal | undefined;
  /** Whether the table has the shards. */
  showsShards: boolean;
}

/**
 * Watches until it is stopped. The fault of an endpoint is shown in its place and does not end the watch.
 */
export async function watchWatermarks(options: WatchOptions): Promise<void> {
  const { terminal, json, output, stop } = options;
  const textOf = (answer: EndpointAnswer) => answerText(answer, tableOptions(options));
  if (terminal === undefined || json) {
    await eachLook(options, (answers, timeMs) =>
      json
        ? output.line(toJson({ timeMs, endpoints: answers.map(endpointJson) }))
        : output.write(`${formatTime(BigInt(timeMs))}\n${answers.map(textOf).join('\n')}\n`),
    );
    return;
  }
  const screen = new LiveScreen(terminal);
  let last = '';
  try {
    await eachLook(options, async (answers, timeMs) => {
      if (stop.aborted) return;
      last = answers.map(textOf).join('\n');
      const heading = chalk.dim(`${formatTime(BigInt(timeMs))}  every ${options.intervalMs / 1000} s`);
      screen.show([heading, ...last.trimEnd().split('\n')]);
    });
  } finally {
    screen.close();
  }
  await output.write(last);
}

function answerText(answer: EndpointAnswer, options: TableOptions): string {
  if (!('fault' in answer)) return watermarksText(answer, options);
  return `${chalk.bold(escapeText(answer.endpoint))}  ${chalk.red(errorText(answer.fault))}\n`;
}
