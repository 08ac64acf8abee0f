/**
 * The common part of the servers' commands: a ready line, then events, as NDJSON on stdout or as lines on
 * stderr, until a signal, a fault or their own end stops them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../clock.js';
import type { Server } from '../../embedded/server.js';
import { FastcacheError } from '../../errors.js';
import { primaryEvents } from '../../server/events.js';
import { BaseCommand } from '../command/base-command.js';
import { faultInFlags } from '../command/option-flags.js';
import { leaveDisk, stopRequested, waitsForDisk } from '../command/shutdown.js';
import { escapeText } from '../terminal/escape.js';
import { Output } from '../terminal/output.js';
import type { ReadProgress } from '../terminal/read-progress.js';
import { eventJson, eventText, type ServerEvent } from './event-rendering.js';
import { optionsFrom, type ParsedFlags, type RoleOptions, serverFlagOf } from './flags.js';
import { promotionSignal } from './promotion-signal.js';
import { readyOf } from './ready.js';
import { ReloadSignal } from './reload-signal.js';
import { isRecordedToStdout } from './stdout-record.js';

/** A start that is told to stop does so within this, unless a disk does not answer. */
const STOP_MS = 10_000;

/** The server that a command runs until it is stopped. */
export interface RunningServer {
  close(): Promise<void>;
}

/** The loading of a server that starts. */
interface Loading {
  /** The option of that name. */
  onLoading(bytes: number, totalBytes: number): void;
  /** Resolves with what has started; a start that a signal or a client's SHUTDOWN ends, ends the command. */
  until<T>(started: Promise<T>): Promise<T>;
}

/** A command that serves until it is stopped. */
export abstract class ServerCommand extends BaseCommand {
  #stop!: Promise<NodeJS.Signals>;
  #ended: Promise<void> | undefined;
  protected readonly reloadSignal = new ReloadSignal();
  /** Where the ready line and the events of `--json` go. */
  #events = this.output;

  /** Signals are handled from the very start: a program that reads the ready line may send one at once. */
  protected override async init(): Promise<void> {
    this.#stop = stopRequested(() => this.reloadSignal.take());
    await super.init();
  }

  /** Handles SIGUSR2 from now on; the function that is returned takes the action. */
  protected onPromotionSignal(): (promote: () => void) => void {
    return promotionSignal((error) =>
      this.warn(`SIGUSR2: ${error instanceof Error ? error.message : String(error)}`),
    );
  }

  /** Starts a server that may load a dump, and shows that it does, that it is ready, and its events. */
  protected async started<On extends 'primary' | 'server'>(
    role: On,
    parsed: ParsedFlags,
    start: (options: RoleOptions[On]) => Promise<Server>,
  ): Promise<Server> {
    const { flags } = parsed;
    this.leaveStdoutTo(flags);
    const { onLoading, until } = await this.loading(flags);
    const options = optionsFrom(role, parsed, { onLoading }, (message) => this.warn(message));
    const server = await until(start(options));
    // A cause of its end may come as soon as it has started.
    this.#ended = endOf(server);
    for (const name of primaryEvents) server.on(name, (event) => this.showEvent(event));
    this.reloadSignal.isFor(flags, server);
    const { fields, text } = readyOf(server, options);
    await this.ready(fields, text);
    return server;
  }

  /** Shows how far a server is with loading what it starts with, as long as that takes. */
  protected async loading(flags: ParsedFlags['flags']): Promise<Loading> {
    const progress = await progressOf(flags);
    let isStopping = false;
    void this.#stop.then(() => {
      isStopping = true;
    });
    return {
      onLoading(bytes, totalBytes) {
        if (isStopping) throw stoppedInStart();
        if (bytes > 0) progress?.read(bytes, totalBytes);
      },
      until: (started) =>
        Promise.race([started, this.#isLate()])
          .catch(async (error) => {
            if (error instanceof FastcacheError && error.code === 'CLOSED') {
              await leaveDisk();
              this.exit(0);
            }
            throw faultInFlags(error, serverFlagOf);
          })
          .finally(() => progress?.close()),
    };
  }

  /** Rejects when a start has been told to stop so long ago that a disk must be what it waits for. */
  async #isLate(): Promise<never> {
    await this.#stop;
    do await sleep(STOP_MS, undefined, { ref: false });
    while (!waitsForDisk());
    throw stoppedInStart();
  }

  /** Serves until a client sends SHUTDOWN, a signal comes, or the disk fails (`onDataFault`); then drains. */
  protected serveToTheEnd(server: Server): Promise<void> {
    return this.serve(server, this.#ended);
  }

  /** Leaves stdout to the dump, if that is recorded there. Throws a `UsageError`. */
  protected leaveStdoutTo(flags: Readonly<Record<string, unknown>>): void {
    if (isRecordedToStdout(flags)) this.#events = new Output(process.stderr);
  }

  /** Writes the ready line: an event with `--json`, else `text`, on stderr when stdout has another use. */
  protected async ready(
    fields: Record<string, unknown>,
    text: string,
    stream: 'stdout' | 'stderr' = 'stdout',
  ): Promise<void> {
    if (this.jsonEnabled()) this.showEvent({ event: 'ready', timeMs: systemClock.nowMs(), ...fields });
    else if (stream === 'stdout') await this.#events.line(escapeText(text));
    else process.stderr.write(`${escapeText(text)}\n`);
  }

  protected showEvent(event: ServerEvent): void {
    if (this.jsonEnabled()) this.#events.event(eventJson(event));
    else process.stderr.write(`${eventText(event)}\n`);
  }

  /** Serves until `ended` settles or a signal comes, then drains. Rejects with what `ended` rejects with. */
  protected async serve(server: RunningServer, ended: Promise<void> = new Promise(() => {})): Promise<void> {
    try {
      await Promise.race([this.#stop, ended]);
    } finally {
      await server.close();
    }
  }
}

function stoppedInStart(): FastcacheError {
  return new FastcacheError('CLOSED', 'It was stopped during its start.');
}

/** Settles when a client sends SHUTDOWN, or rejects when the disk fails (`onDataFault`). */
function endOf(server: Server): Promise<void> {
  const ended = new Promise<void>((resolve, reject) => {
    server.on('shutdown', () => resolve());
    server.on('stopped', ({ error }) => {
      if (error instanceof FastcacheError && error.code === 'WRITE_FAILED') reject(error);
    });
  });
  // It may reject before it is waited for.
  ended.catch(() => {});
  return ended;
}

/**
 * The progress of reading what a server starts with; undefined where there is nothing to read, or no terminal
 * to show it on.
 */
async function progressOf({ data, load }: ParsedFlags['flags']): Promise<ReadProgress | undefined> {
  const isReading = typeof load === 'string' || typeof data === 'string';
  if (!isReading || !process.stderr.isTTY) return undefined;
  const { ReadProgress } = await import('../terminal/read-progress.js');
  return new ReadProgress(process.stderr, systemClock, 'loading');
}
