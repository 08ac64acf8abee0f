/** Where the keys are among a command's arguments, according to its row. */

import { parseInt64 } from './arguments.js';
import type { Command, FoundKey, KeyNumberSpec, KeySpec, RangeSpec } from './command.js';

/** The keys among the arguments; undefined where the positions point past the arguments. */
export function keysOf(command: Command, args: readonly Buffer[]): readonly FoundKey[] | undefined {
  if (command.findKeys !== undefined) return command.findKeys(args);
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
  if ('keyNumber' in spec) return keysByNumber(spec, args);
  return 'index' in spec ? keysByRange(spec, args) : undefined;
}

/** Finds as many keys as an argument says. */
function keysByNumber(
  { index, keyNumber: [numberIndex, first, step], flags }: KeyNumberSpec,
  args: readonly Buffer[],
): readonly FoundKey[] | undefined {
  const count = parseInt64(args[index + numberIndex] ?? Buffer.alloc(0));
  const start = index + first;
  if (count === undefined || count < 0n || count > BigInt(Math.ceil((args.length - start) / step))) {
    return undefined;
  }
  return Array.from({ length: Number(count) }, (_, n) => ({ key: args[start + n * step]!, flags }));
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
  const found: FoundKey[] = [];
  for (let at = index; at <= last; at += Math.max(step, 1)) found.push({ key: args[at]!, flags });
  return found;
}
