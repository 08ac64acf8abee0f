/** `watermarks`: asks servers and reads dumps, and writes the answers as tables or as one JSON document. */
import * as Errors from '@oclif/core/errors';
import type { Clock, Timers } from '../../clock.js';
import type { FastcacheError } from '../../errors.js';
import { endpointJson } from '../../status/watermarks.js';
import { type CheckRules, checkEndpoints, checkStatus } from '../../status/watermarks-check.js';
import { exitStatus } from '../command/error-rendering.js';
import { stopSignal } from '../command/shutdown.js';
import { toJson } from '../terminal/json.js';
import type { Terminal } from '../terminal/live-screen.js';
import { type Output, OutputClosed } from '../terminal/output.js';
import { checkText } from './check-text.js';
import { type Endpoint, lookAtAll } from './endpoint.js';
import type { WatermarksMode } from './flags.js';
import { forgetReplicas } from './forget.js';
import { tableOptions, watermarksText } from './text.js';
import { waitForReplicas } from './wait.js';
import { watchWatermarks } from './watch.js';

/** The options of `watermarks`, and its output. */
export interface WatermarksOptions {
  endpoints: readonly Endpoint[];
  /** The rules of `--check`. */
  rules: CheckRules;
  clock: Clock;
  timers: Timers;
  json: boolean;
  output: Output;
  /** The terminal; undefined when stdout is none. */
  terminal: Terminal | undefined;
  /** Whether the table has the shards. */
  showsShards: boolean;
  warn(message: string): void;
  /** Reports the fault of an endpoint and returns its exit status. */
  report(fault: FastcacheError): Promise<number>;
}

/**
 * Returns the exit status of a check that ends with `error`. A fault that keeps it from its answer is
 * UNKNOWN, also where nobody reads the answer: to monitoring 1 and 2 would be findings, and 0 says that all
 * is well.
 */
export function checkEnd(error: unknown): number {
  if (error instanceof OutputClosed) return checkStatus('UNKNOWN');
  const status = exitStatus(error);
  return error instanceof Errors.ExitError || status === 0 ? status : checkStatus('UNKNOWN');
}

/** Runs the mode; resolves with the exit status, and leaves no connection open. */
export async function runWatermarks(mode: WatermarksMode, options: WatermarksOptions): Promise<number> {
  try {
    return await run(mode, options);
  } finally {
    for (const endpoint of options.endpoints) endpoint.close();
  }
}

async function run(mode: WatermarksMode, options: WatermarksOptions): Promise<number> {
  switch (mode.name) {
    case 'look':
      return showWatermarks(options);
    case 'check':
      return checkWatermarks(options);
    case 'wait':
      return (await waitForReplicas({ ...options, timeoutMs: mode.timeoutMs })) ? 0 : 1;
    case 'forget':
      return forgetReplicas({ ...options, which: mode.which });
    case 'watch':
      await watchWatermarks({ ...options, intervalMs: mode.intervalMs, stop: stopSignal() });
      return 0;
  }
}

/** Resolves with the exit status of the first fault, 0 when there was none. */
async function showWatermarks(options: WatermarksOptions): Promise<number> {
  const { endpoints, json, output, report } = options;
  const answers = await lookAtAll(endpoints);
  if (json) await output.line(toJson({ endpoints: answers.map(endpointJson) }));
  let status = 0;
  for (const answer of answers) {
    if ('fault' in answer) {
      const faultStatus = await report(answer.fault);
      status ||= faultStatus;
    } else if (!json) {
      await output.write(watermarksText(answer, tableOptions(options)));
    }
  }
  return status;
}

async function checkWatermarks({ endpoints, rules, json, output }: WatermarksOptions): Promise<number> {
  const answers = await lookAtAll(endpoints);
  const verdict = checkEndpoints(answers, rules);
  if (json) await output.line(toJson({ endpoints: answers.map(endpointJson), check: verdict }));
  else await output.write(checkText(verdict, rules));
  return checkStatus(verdict.state);
}
