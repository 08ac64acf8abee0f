/** Where the keys of a command's arguments stand, by its row. */

import { wordOf } from './arguments.js';
import type { Command, KeySpec } from './command.js';

/** A key among the arguments of a command. */
export interface FoundKey {
  readonly key: Buffer;
  /** What is done with it, in Redis' words (`RO`, `access`, …). */
  readonly flags: readonly string[];
}

/** Undefined where the positions point past the arguments. */
export function keysOf(command: Command, args: readonly Buffer[]): readonly FoundKey[] | undefined {
  const specs = command.keySpecs ?? [specOf(command)];
  const found = specs.map((spec) => keysBySpec(spec, args));
  return found.includes(undefined) ? undefined : found.flatMap((keys) => keys!);
}

/** Whether a command can have keys. */
export function hasKeys({ keys, keySpecs = [] }: Command): boolean {
  return keys[0] !== 0 || keySpecs.length > 0;
}

function specOf({ keys: [first, last, step] }: Command): KeySpec {
  return { flags: [], index: first, range: [last < 0 ? last : last - first, step, 0] };
}

/** A last key that is negative is counted from the arguments' end, otherwise from the first key. */
function keysBySpec(
  { index, range: [lastKey, step], flags }: KeySpec,
  args: readonly Buffer[],
): readonly FoundKey[] | undefined {
  const last = lastKey < 0 ? args.length + lastKey : index + lastKey;
  if (last >= args.length || last < index) return undefined;
  const shown = flags.includes('variable_flags') ? flagsOfSet(args) : flags;
  const found: FoundKey[] = [];
  for (let at = index; at <= last; at += Math.max(step, 1)) found.push({ key: args[at]!, flags: shown });
  return found;
}

/** SET alone has flags that its arguments decide: with GET it reads as well. */
function flagsOfSet(args: readonly Buffer[]): readonly string[] {
  const reads = args.some((_, index) => index > 2 && wordOf(args, index) === 'get');
  return reads ? ['RW', 'access', 'update'] : ['OW', 'update'];
}
