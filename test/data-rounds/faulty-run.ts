/** A short life of a server on a disk that fails at one moment, and what is found behind it. */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../support/run-command.js';
import { type DiskFault, FailingDisk } from './failing-disk.js';
import { pause } from './load.js';
import { DataServer } from './server.js';

const FLAGS = ['--fsync', 'always', '--data-segment', '1mb', '--data-keep', 'bases:1', '--data-base', '1mb'];
const KEYS = 4;
const WRITES = 12;
/** Writes of these numbers are so long that segments change. */
const LONG_EVERY = 3;
const LONG_BYTES = 400_000;
const BASE_AT = 6;
const RETRY_MS = 50;
const PATIENCE_MS = 20_000;
/** Exit status of a start or a stop that the disk has foiled. */
const FAULT_STATUS = 1;

/** The result of a fault. */
export type FaultOutcome = 'none' | 'ended the start' | 'ended the stop' | 'was met';

export interface FaultyRun {
  readonly outcome: FaultOutcome;
  /** The operation that failed. */
  readonly failed: string | undefined;
  /** Writes that were refused, or whose connection was closed, until one was taken. */
  readonly refused: number;
  /** The faults that were found; empty: all is well. */
  readonly faults: readonly string[];
}

/** Plays runs, each in a directory of its own. */
export class FaultyRuns {
  readonly #directory: string;
  readonly #template: string;

  /** `directory` is that of all runs. Makes the data directory with which runs begin: a crash was its end. */
  static async prepare(directory: string): Promise<FaultyRuns> {
    const template = join(directory, 'template');
    const server = await DataServer.place({ directory: template, flags: FLAGS });
    await server.start();
    for (let number = -WRITES; number < 0; number += 1) {
      await server.ask('SET', `before:${number}`, textOf(number));
      if (number === -BASE_AT) await server.ask('SAVE');
    }
    await server.end('SIGKILL');
    return new FaultyRuns(directory, template);
  }

  private constructor(directory: string, template: string) {
    this.#directory = directory;
    this.#template = template;
  }

  /** `isNew`: the directory is not there before. A run with an even number `at` ends in order. */
  async play(fault: DiskFault, isNew: boolean): Promise<FaultyRun> {
    const place = mkdtempSync(join(this.#directory, 'run-'));
    const data = join(place, 'data');
    if (!isNew) cpSync(this.#template, data, { recursive: true, filter: (path) => !/lock-\d+$/.test(path) });
    else mkdirSync(data);
    const disk = new FailingDisk(place);
    const server = await DataServer.place({ directory: data, flags: FLAGS, env: disk.env(data, fault) });
    const run = new Life(server, disk, isNew);
    await run.play(fault.at % 2 === 0);
    const { faults } = run;
    if (faults.length === 0) rmSync(place, { recursive: true });
    else faults.push(`${place} is left as it is: ${JSON.stringify(fault)}`);
    return { outcome: run.outcome, failed: run.failed, refused: run.refused, faults };
  }
}

class Life {
  readonly faults: string[] = [];
  outcome: FaultOutcome = 'none';
  refused = 0;
  failed: string | undefined;
  readonly #server: DataServer;
  readonly #disk: FailingDisk;
  /** The least that must be there: the number of the last acknowledged write of each key. */
  readonly #expected = new Map<string, number>();

  constructor(server: DataServer, disk: FailingDisk, isNew: boolean) {
    this.#server = server;
    this.#disk = disk;
    if (!isNew) {
      for (let number = -WRITES; number < 0; number += 1) this.#expected.set(`before:${number}`, number);
    }
  }

  async play(endsInOrder: boolean): Promise<void> {
    const server = this.#server;
    const started = await server.startOrStatus();
    if (started === 'ready') await this.#write();
    const status = started === 'ready' ? await server.end(endsInOrder ? 'SIGTERM' : 'SIGKILL') : started;
    this.failed = this.#disk.failed;
    if (this.failed !== undefined) this.outcome = started === 'ready' ? 'was met' : 'ended the start';
    if (status === FAULT_STATUS && this.failed !== undefined) {
      if (started === 'ready') this.outcome = 'ended the stop';
      if (!/EIO|ENOSPC/.test(server.output)) this.faults.push(`what failed is not named: ${server.output}`);
    } else if (started !== 'ready' || status !== (endsInOrder ? 0 : null)) {
      this.faults.push(`the server ended with ${status}: ${server.output}`);
    }
    await this.#look();
  }

  async #write(): Promise<void> {
    for (let number = 0; number < WRITES; number += 1) {
      const key = `key:${number % KEYS}`;
      if (number === BASE_AT) await this.#server.ask('BGSAVE').catch(() => {});
      const deadlineMs = performance.now() + PATIENCE_MS;
      while ((await this.#set(key, textOf(number))) !== '+OK') {
        this.refused += 1;
        if (performance.now() > deadlineMs) {
          this.faults.push(`writes are not taken again: ${this.#server.output}`);
          return;
        }
        await pause(RETRY_MS);
      }
      this.#expected.set(key, number);
      const found = Number.parseInt(String(await this.#server.ask('GET', key).catch(String)), 10);
      if (found !== number) this.faults.push(`${key} is read as ${found} behind ${number}`);
    }
  }

  #set(key: string, value: string): Promise<string> {
    return this.#server.ask('SET', key, value).then(String, String);
  }

  /** Starts it on a disk that works, reads all, stops it and has the directory verified. */
  async #look(): Promise<void> {
    const server = this.#server;
    server.env = {};
    const started = await server.startOrStatus();
    if (started !== 'ready') {
      this.faults.push(`the next start ended with ${started}: ${server.output}`);
      return;
    }
    for (const [key, number] of this.#expected) {
      const value = String(await server.ask('GET', key));
      const found = Number.parseInt(value, 10);
      if (!(found >= number) || value !== textOf(found)) {
        this.faults.push(`${key} is ${value.slice(0, 20)}, and was ${number}`);
      }
    }
    await server.stop();
    const verified = await runCommand(['data', 'verify', server.directory]);
    if (verified.status !== 0) this.faults.push(`data verify: ${verified.stdout} ${verified.stderr}`);
  }
}

function textOf(number: number): string {
  return `${number} ${'x'.repeat(number % LONG_EVERY === 0 ? LONG_BYTES : 100)}`;
}
