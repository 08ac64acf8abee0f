/**
 * An error as a person reads it on stderr, as `--json` shows it, and as an exit status (docs/command-line.md,
 * "Exit status").
 */
import * as Errors from '@oclif/core/errors';
import { FastcacheError } from '../../errors.js';
import { escapeText } from '../terminal/escape.js';
import { OutputClosed } from '../terminal/output.js';
import { inFlags } from './option-flags.js';

/** Exit status of a command that ends with `error`; a reader that closed the pipe is no fault. */
export function exitStatus(error: unknown): number {
  if (error instanceof FastcacheError) return error.exitCode;
  if (error instanceof OutputClosed) return 0;
  if (error instanceof Errors.CLIError) return error.oclif.exit ?? 1;
  return 1;
}

/** The message with its place and code, escaped; with the stack when the fault is this program's own. */
export function errorText(error: unknown): string {
  if (error instanceof FastcacheError) {
    const place = error.place === undefined ? '' : `${escapeText(error.place)}: `;
    return `${place}${escapeText(messageOf(error))} (${error.code})`;
  }
  if (error instanceof Errors.CLIError) return escapeLines(usageMessage(error));
  return escapeLines(error instanceof Error ? (error.stack ?? error.message) : String(error));
}

/** `{error: {name, code, message, exit, …}}`: no configuration, no arguments, no stack. */
export function errorJson(error: unknown): { error: Record<string, unknown> } {
  if (error instanceof FastcacheError) {
    const { name, code, exitCode: exit, retryable, file, offset, expected, found, address } = error;
    const message = messageOf(error);
    return { error: { name, code, message, exit, retryable, file, offset, expected, found, address } };
  }
  const message = error instanceof Errors.CLIError ? usageMessage(error) : messageOf(error);
  const exit = exitStatus(error);
  return { error: { name: nameOf(error), code: exit === 2 ? 'USAGE' : 'FAULT', message, exit } };
}

/** oclif wraps a flag parser's message as "Parsing --flag \n\tmessage"; in one line it reads better. */
function usageMessage(error: Error): string {
  return error.message.replace(/^Parsing (--\S+) \n\t/, '$1: ');
}

function escapeLines(text: string): string {
  return text.split('\n').map(escapeText).join('\n');
}

function messageOf(error: unknown): string {
  if (error instanceof FastcacheError && error.code === 'BAD_OPTION') return inFlags(error.message);
  return error instanceof Error ? error.message : String(error);
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.constructor.name : 'Error';
}
