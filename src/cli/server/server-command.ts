/**
 * What the two servers have in common on the command line: a ready line, then events, as NDJSON on stdout or
 * as lines on stderr, until a signal, a fault or their own end stops them.
 */
import { systemClock } from '../../clock.js';
import { BaseCommand } from '../command/base-command.js';
import { stopRequested } from '../command/shutdown.js';
import { escapeText } from '../terminal/escape.js';
import { eventJson, eventText, type ServerEvent } from './event-rendering.js';

/** What a command serves until it is stopped. */
export interface RunningServer {
  close(): Promise<void>;
}

/** Of the ready event: where metrics are served, if they are. */
export function metricsField(address: string | undefined): { metrics?: string } {
  return address === undefined ? {} : { metrics: address };
}

/** As that, of the ready line. */
export function metricsText(address: string | undefined): string {
  return address === undefined ? '' : `, metrics on http://${address}/metrics`;
}

/** A command that serves until it is stopped. */
export abstract class ServerCommand extends BaseCommand {
  #stop!: Promise<NodeJS.Signals>;

  /** Signals are heeded from the very start: whoever reads the ready line may send one at once. */
  protected override async init(): Promise<void> {
    this.#stop = stopRequested();
    await super.init();
  }

  /** The ready line: an event with `--json`, else `text`, on stderr when stdout is for something else. */
  protected async ready(
    fields: Record<string, unknown>,
    text: string,
    stream: 'stdout' | 'stderr' = 'stdout',
  ): Promise<void> {
    if (this.jsonEnabled()) this.showEvent({ event: 'ready', timeMs: systemClock.nowMs(), ...fields });
    else if (stream === 'stdout') await this.output.line(escapeText(text));
    else process.stderr.write(`${escapeText(text)}\n`);
  }

  protected showEvent(event: ServerEvent): void {
    if (this.jsonEnabled()) this.output.event(eventJson(event));
    else process.stderr.write(`${eventText(event)}\n`);
  }

  /** Serves until `ended` settles or a signal comes, then drains. Rejects as `ended` does. */
  protected async serve(server: RunningServer, ended: Promise<void> = new Promise(() => {})): Promise<void> {
    try {
      await Promise.race([this.#stop, ended]);
    } finally {
      await server.close();
    }
  }
}
