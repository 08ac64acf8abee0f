/**
 * The common part of the two servers' commands: a ready line, then events, as NDJSON on stdout or as lines on
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

/** The field of the ready event that says where metrics are served; none where they are not. */
export function metricsField(address: string | undefined): { metrics?: string } {
  return address === undefined ? {} : { metrics: address };
}

/** The part of the ready line that says where metrics are served; empty where they are not. */
export function metricsText(address: string | undefined, isTls = false): string {
  return address === undefined ? '' : `, metrics on ${isTls ? 'https' : 'http'}://${address}/metrics`;
}

/** Where a server listens to clients. */
export interface ClientsPlace {
  readonly listenAddress: string | undefined;
  readonly listenTlsAddress: string | undefined;
}

/** The fields of the ready event that say where clients connect; that of TLS only with such a port. */
export function clientsFields({ listenAddress, listenTlsAddress }: ClientsPlace) {
  const listen = listenAddress ?? null;
  return listenTlsAddress === undefined ? { listen } : { listen, listenTls: listenTlsAddress };
}

/** The part of the ready line that says where clients connect; empty where they do not. */
export function clientsText({ listenAddress, listenTlsAddress }: ClientsPlace): string {
  const plain = listenAddress === undefined ? '' : `, clients on ${listenAddress}`;
  return listenTlsAddress === undefined ? plain : `${plain}, clients by TLS on ${listenTlsAddress}`;
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
