/**
 * The base of every command (docs/command-line.md, "Conventions"): `--json` and `--no-color`, an
 * environment variable for each flag, data on stdout and all else on stderr, errors that name their place and
 * decide the exit status. oclif's own error path is bypassed: under `--json` it loses exit statuses and
 * prints the configuration and the arguments.
 */
import { Command } from '@oclif/core/command';
import * as Errors from '@oclif/core/errors';
import * as Flags from '@oclif/core/flags';
import type { Input, ParserOutput } from '@oclif/core/interfaces';
import chalk, { chalkStderr } from 'chalk';
import { systemClock } from '../../clock.js';
import { escapeText } from '../terminal/escape.js';
import { toJson } from '../terminal/json.js';
import { Output, OutputClosed } from '../terminal/output.js';
import { errorJson, errorText, exitStatus } from './error-rendering.js';
import { environmentName, withEnvironment } from './flags.js';

/** The base of every command of `fastcache`. */
export abstract class BaseCommand extends Command {
  static override baseFlags = withEnvironment({
    json: Flags.boolean({ summary: 'Machine-readable output.', helpGroup: 'GLOBAL' }),
    'no-color': Flags.boolean({ summary: 'No colours; NO_COLOR does the same.', helpGroup: 'GLOBAL' }),
  });

  protected readonly output = new Output(process.stdout);
  #json: boolean | undefined;

  protected override async init(): Promise<void> {
    // Where stderr is closed nobody reads its messages, which is no reason for a server to end.
    process.stderr.on('error', () => {});
    await super.init();
  }

  /** Whether output is JSON; before the flags are parsed, or when they cannot be, the arguments decide. */
  override jsonEnabled(): boolean {
    if (this.#json !== undefined) return this.#json;
    const end = this.argv.indexOf('--');
    const ownFlags = end === -1 ? this.argv : this.argv.slice(0, end);
    return ownFlags.includes('--json') || process.env[environmentName('json')] !== undefined;
  }

  /** The output and the other surroundings that a command's core is given. */
  protected get surroundings() {
    const { output } = this;
    return { json: this.jsonEnabled(), output, terminal: process.stderr, clock: systemClock };
  }

  /** Writes a warning to stderr, without ending the command. */
  override warn(message: string): string {
    process.stderr.write(`${chalkStderr.yellow('Warning:')} ${escapeText(message)}\n`);
    return message;
  }

  /** Writes a message to stderr that is no warning. */
  protected note(text: string): void {
    process.stderr.write(`${escapeText(text)}\n`);
  }

  /** Returns the exit status of a command that ends with `error`. */
  protected statusOf(error: unknown): number {
    return exitStatus(error);
  }

  /** Writes a fault to stderr, after what stdout has been given; returns the exit status of the fault. */
  protected async report(error: unknown): Promise<number> {
    await this.output.flush().catch(() => {});
    process.stderr.write(`${chalkStderr.red('Error:')} ${errorText(error)}\n`);
    return exitStatus(error);
  }

  protected override async parse<F extends object, B extends object, A extends object>(
    options?: Input<F, B, A>,
    argv?: string[],
  ): Promise<ParserOutput<F, B, A>> {
    const parsed = await super.parse(options, argv);
    const common = parsed.flags as { json?: boolean; 'no-color'?: boolean };
    this.#json = common.json ?? false;
    if (common['no-color']) chalk.level = chalkStderr.level = 0;
    return parsed;
  }

  /**
   * Ends the command: the error is reported, stdout is drained, and oclif is left nothing but the exit
   * status.
   */
  protected override async catch(error: Error): Promise<void> {
    throw new Errors.ExitError(await this.#end(error));
  }

  async #end(error: Error): Promise<number> {
    try {
      if (!(error instanceof Errors.ExitError || error instanceof OutputClosed)) {
        if (this.jsonEnabled()) await this.output.line(toJson(errorJson(error, this.statusOf(error))));
        else await this.report(error);
      }
      await this.output.flush();
      return this.statusOf(error);
    } catch (outputError) {
      if (outputError instanceof OutputClosed) return this.statusOf(error);
      const isReported = outputError === error && !this.jsonEnabled();
      const status = isReported ? this.statusOf(error) : await this.report(outputError);
      return this.statusOf(error) || status;
    }
  }
}
