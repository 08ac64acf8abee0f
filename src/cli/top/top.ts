/** The loop of `top`: looks at all endpoints every two seconds, and draws what it has seen on the screen. */
import chalk from 'chalk';
import type { Clock, Timers } from '../../clock.js';
import { exitStatus } from '../command/error-rendering.js';
import { toJson } from '../terminal/json.js';
import { Keyboard, type KeyInput } from '../terminal/keyboard.js';
import { LiveScreen, type Terminal } from '../terminal/live-screen.js';
import type { Output } from '../terminal/output.js';
import { terminalSize } from '../terminal/size.js';
import { eachLook, type LookOptions } from '../watermarks/each-look.js';
import type { Endpoint } from '../watermarks/endpoint.js';
import { EndpointHistory } from './history.js';
import { topJson } from './json.js';
import { screenLines, type View, views } from './text.js';

/** As often as `watermarks --watch`: each look costs a server some hundreds of microseconds. */
export const LOOK_MS = 2_000;

/** The servers to look at, and the output. */
export interface TopOptions {
  endpoints: readonly Endpoint[];
  clock: Clock;
  timers: Timers;
  json: boolean;
  /** Ends behind the second look, from which on there are rates. */
  once: boolean;
  output: Output;
  /** The terminal; undefined when stdout is none. */
  terminal: Terminal | undefined;
  input: KeyInput;
  /** Ends the loop. */
  stop: AbortSignal;
}

/**
 * Looks until it is stopped. Resolves with the exit status: where it ends by itself that of the first
 * endpoint that did not answer, 0 otherwise. Throws `OutputClosed` and `WRITE_FAILED`.
 */
export async function runTop(options: TopOptions): Promise<number> {
  const { endpoints, terminal, json, once } = options;
  const histories = endpoints.map(() => new EndpointHistory());
  try {
    if (terminal === undefined || json || once) return await writeLooks(histories, options);
    await drawOn(terminal, histories, options);
    return 0;
  } finally {
    for (const endpoint of endpoints) endpoint.close();
  }
}

/** Writes one screen, or with `json` an object for each look, the first look apart, which has no rates. */
async function writeLooks(histories: readonly EndpointHistory[], options: TopOptions): Promise<number> {
  const { json, once, output, clock } = options;
  const ending = new AbortController();
  let looks = 0;
  await looking(histories, { ...options, isBrief: () => !json }, ending, async () => {
    looks += 1;
    if (looks === 1) return;
    if (json) await output.line(toJson(topJson(histories, clock.nowMs())));
    else await output.write(`${linesOf(histories, options, 'replicas').join('\n')}\n`);
    if (once || !json) ending.abort();
  });
  const silent = histories.flatMap(({ last }) => (last !== undefined && 'fault' in last ? [last.fault] : []));
  return ending.signal.aborted && silent[0] !== undefined ? exitStatus(silent[0]) : 0;
}

async function drawOn(
  terminal: Terminal,
  histories: readonly EndpointHistory[],
  options: TopOptions,
): Promise<void> {
  const ending = new AbortController();
  const screen = new LiveScreen(terminal);
  let view: View = 'replicas';
  let hasLooked = false;
  const draw = () => {
    if (hasLooked) screen.show(linesOf(histories, options, view));
  };
  const keyboard = new Keyboard(
    options.input,
    (key) => {
      if (key === 'q') ending.abort();
      view = views[key] ?? view;
      draw();
    },
    () => ending.abort(),
  );
  try {
    screen.show([chalk.dim('looking…')]);
    // The figures of each shard are asked for only where they are shown.
    await looking(histories, { ...options, isBrief: () => view !== 'shards' }, ending, () => {
      hasLooked = true;
      draw();
    });
  } finally {
    keyboard.close();
    screen.close();
  }
}

/** Looks at all endpoints, and calls `show` when their histories have the answers. */
function looking(
  histories: readonly EndpointHistory[],
  { stop, clock, ...options }: TopOptions & Pick<LookOptions, 'isBrief'>,
  ending: AbortController,
  show: () => Promise<void> | void,
): Promise<void> {
  const any = AbortSignal.any([stop, ending.signal]);
  return eachLook({ ...options, clock, intervalMs: LOOK_MS, stop: any }, async (answers) => {
    const atMs = clock.monotonicUs() / 1000;
    for (const [index, history] of histories.entries()) history.take(answers[index]!, atMs);
    if (!any.aborted) await show();
  });
}

function linesOf(
  histories: readonly EndpointHistory[],
  { terminal, clock, once }: TopOptions,
  view: View,
): string[] {
  const width = terminalSize(terminal ?? {}).columns;
  const hasKeys = terminal !== undefined && !once;
  return screenLines(histories, { width, view, nowMs: clock.nowMs(), hasKeys });
}
