/** A server with a data directory: its port, directory and command line stay over all its lives. */
import { Line } from '../failover/line.js';
import { eventually, FastcacheProcess, freePort } from '../support/processes.js';
import { type Reply, RespClient } from '../support/resp-client.js';

export interface ServerOptions {
  /** The data directory. */
  directory: string;
  /** The server that it follows. */
  primary?: DataServer;
  /** Further options of the command line. */
  flags?: readonly string[];
  /** Variables of its environment. */
  env?: Readonly<Record<string, string>>;
}

export class DataServer {
  readonly port: number;
  readonly directory: string;
  /** Variables of the environment of later lives. */
  env: Readonly<Record<string, string>>;
  readonly #args: readonly string[];
  readonly #line: Line;
  #process: FastcacheProcess | undefined;
  #stdout = '';

  /** Draws a port; the server is not started. */
  static async place(options: ServerOptions): Promise<DataServer> {
    return new DataServer(await freePort(), options);
  }

  private constructor(port: number, { directory, primary, flags = [], env = {} }: ServerOptions) {
    this.port = port;
    this.directory = directory;
    this.env = env;
    this.#args = [
      ...['serve', '--listen', this.address, '--data', directory],
      ...(primary === undefined ? [] : ['--replicaof', primary.address]),
      ...flags,
    ];
    this.#line = new Line(() => this.connect());
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get isUp(): boolean {
    return (
      this.#process !== undefined &&
      this.#process.child.exitCode === null &&
      this.#process.child.signalCode === null
    );
  }

  /** All that the present process has written, or the last one. */
  get output(): string {
    return this.#stdout + (this.#process?.stderr ?? '');
  }

  /**
   * Resolves when its content can be read. Throws when the process ends instead, or is not ready in
   * `patienceMs`.
   */
  async start({ patienceMs }: { patienceMs?: number } = {}): Promise<void> {
    const process = new FastcacheProcess(this.#args, this.env);
    this.#process = process;
    this.#stdout = '';
    process.child.stdout.on('data', (text: string) => {
      this.#stdout += text;
    });
    await process.event('ready', patienceMs);
    await eventually(
      () => this.ask('GET', 'no such key').catch(String),
      (reply) => !String(reply).includes('LOADING'),
    );
  }

  /** The same. Resolves with the exit status of a process that ends instead; null: by a signal. */
  async startOrStatus(): Promise<'ready' | number | null> {
    try {
      await this.start();
      return 'ready';
    } catch (error) {
      if (this.isUp) throw error;
      return this.end('SIGKILL');
    }
  }

  /** Ends the process with a signal. Resolves with its exit status when it is gone. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.#line.close();
    const exit = await this.#process?.kill(signal);
    return exit?.code ?? null;
  }

  /** Stops it in order. Throws when its exit status is not 0. */
  async stop(): Promise<void> {
    const status = await this.end('SIGTERM');
    if (status !== 0) throw new Error(`the server ended with ${status}: ${this.output}`);
  }

  connect(): Promise<RespClient> {
    return RespClient.connect(this.address);
  }

  ask(...args: string[]): Promise<Reply> {
    return this.#line.ask(...args);
  }

  /** A field of INFO; undefined: INFO has none of that name. */
  async field(name: string): Promise<string | undefined> {
    const info = String(await this.ask('INFO', 'everything'));
    return new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1];
  }
}
