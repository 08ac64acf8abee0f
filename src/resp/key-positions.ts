/** Where the keys are among a command's arguments, according to its row. */

import { parseInt64, wordOf } from './arguments.js';
import type { Command, KeyNumberSpec, KeySpec, RangeSpec } from './command.js';

/** A key among the arguments of a command. */
export interface FoundKey {
  readonly key: Buffer;
  /** Redis' words for what the command does with the key (`RO`, `access`, …). */
  readonly flags: readonly string[];
}

/** The keys among the arguments; undefined where the positions point past the arguments. */
export function keysOf(command: Command, args: readonly Buffer[]): readonly FoundKey[] | undefined {
  const specs = command.keySpecs ?? [specOf(command)];
  const found = specs.map((spec) => keysBySpec(spec, args));
  return found.includes(undefined) ? undefined : found.flatMap((keys) => keys!);
}

/** Whether a command can have keys. */
export function hasKeys({ keys, keySpecs = [] }: Command): boolean {
  // Shard channels stand where keys could, and are none.
  if (keySpecs.some(({ flags }) => flags.includes('not_key'))) return false;
  return keys[0] !== 0 || keySpecs.length > 0;
}

function specOf({ keys: [first, last, step] }: Command): KeySpec {
  return { flags: [], index: first, range: [last < 0 ? last : last - first, step, 0] };
}

function keysBySpec(spec: KeySpec, args: readonly Buffer[]): readonly FoundKey[] | undefined {
  return 'keyNumber' in spec ? keysByNumber(spec, args) : keysByRange(spec, args);
}

/** Finds as many keys as an argument says. */
function keysByNumber(
  { index, keyNumber: [numberIndex, first], flags }: KeyNumberSpec,
  args: readonly Buffer[],
): readonly FoundKey[] | undefined {
  const count = parseInt64(args[index + numberIndex] ?? Buffer.alloc(0));
  const start = index + first;
  if (count === undefined || count < 0n || count > BigInt(args.length - start)) return undefined;
  return args.slice(start, start + Number(count)).map((key) => ({ key, flags }));
}

/**
 * Finds the keys. A negative last key is counted from the arguments' end, another one from the first key.
 */
function keysByRange(
  { index, range: [lastKey, step], flags }: RangeSpec,
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
