/**
 * The common part of the servers' commands: a ready line, then events, as NDJSON on stdout or as lines on
 * stderr, until a signal, a fault or their own end stops them.
 */
import { systemClock } from '../../clock.js';
import { BaseCommand } from '../command/base-command.js';
import { stopRequested } from '../command/shutdown.js';
import { escapeText } from '../terminal/escape.js';
import { Output } from '../terminal/output.js';
import { eventJson, eventText, type ServerEvent } from './event-rendering.js';
import { isRecordedToStdout } from './stdout-record.js';

/** The server that a command runs until it is stopped. */
export interface RunningServer {
  close(): Promise<void>;
}

/** A command that serves until it is stopped. */
export abstract class ServerCommand extends BaseCommand {
  #stop!: Promise<NodeJS.Signals>;
  /** Where the ready line and the events of `--json` go. */
  #events = this.output;

  /** Signals are handled from the very start: a program that reads the ready line may send one at once. */
  protected override async init(): Promise<void> {
    this.#stop = stopRequested();
    await super.init();
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
