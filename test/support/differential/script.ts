/**
 * Scripts for what random sessions must not do: the same steps on ours and on redis-server, and what each
 * side said.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RespClient, respCommand } from '../resp-client.js';
import { parseWire, showText, showWire, type Wire } from '../resp-wire.js';
import type { Argument } from './arguments.js';

/** The time that a client waits for bytes before it takes it that none come. */
const SILENCE_MS = 80;

export type Script = (open: () => Promise<Speaker>, note: (line: string) => void) => Promise<void>;

/** All that the script heard from a server, without what no two servers say alike. */
export async function transcriptOf(address: string, script: Script): Promise<string[]> {
  const lines: string[] = [];
  const speakers: Speaker[] = [];
  const note = (line: string) =>
    lines.push(line.replace(/127\.0\.0\.1:\d+/g, 'address').replace(/(\bID |"id" :)\d+/g, '$1n'));
  const open = async () => {
    const speaker = new Speaker(await RespClient.connect(address), speakers.length, note);
    speakers.push(speaker);
    return speaker;
  };
  try {
    await script(open, note);
  } catch (error) {
    note(`broken off: ${(error as Error).message}`);
  } finally {
    for (const { client } of speakers) client.close();
  }
  return lines;
}

/** A client that writes down what it hears. */
export class Speaker {
  readonly client: RespClient;
  readonly #name: number;
  readonly #note: (line: string) => void;

  constructor(client: RespClient, name: number, note: (line: string) => void) {
    this.client = client;
    this.#name = name;
    this.#note = note;
  }

  tell(...args: Argument[]): void {
    this.client.write(respCommand(...args));
  }

  async ask(...args: Argument[]): Promise<Wire> {
    this.tell(...args);
    return this.hear(args.join(' '));
  }

  /** Words parted by blanks, commands by lines. */
  async askAll(...lines: string[]): Promise<void> {
    for (const line of lines) await this.ask(...line.split(' '));
  }

  /** As `askAll`, in one write: no time passes between the commands. */
  async askAtOnce(...lines: string[]): Promise<void> {
    this.client.write(Buffer.concat(lines.map((line) => respCommand(...line.split(' ')))));
    for (const line of lines) await this.hear(line);
  }

  /** The next reply. `mask` takes out of it what differs. */
  async hear(about = 'hears', mask: (text: string) => string = (text) => text): Promise<Wire> {
    const wire = parseWire(await this.client.rawReply());
    this.#note(`${this.#name} ${about}: ${mask(showWire(wire))}`);
    return wire;
  }

  /** That it hears nothing, for a while. */
  async hearNothing(): Promise<void> {
    await sleep(SILENCE_MS);
    this.#note(`${this.#name} ${this.client.unreadBytes === 0 ? 'hears nothing' : 'hears something'}`);
  }

  /** Returns the bytes that it is sent until the server closes. */
  async hearOut(): Promise<void> {
    const bytes = await this.client.untilClosed();
    this.#note(`${this.#name} to the end: ${showText(bytes.toString('latin1'))}`);
  }
}
