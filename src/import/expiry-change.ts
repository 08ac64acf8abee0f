/** The expiry that a command sets for its key, and the command with another expiry. */
import type { DecodedSnapshotEntry } from '../frame/snapshot.js';

/** A change of a key's expiry. */
export interface ExpiryChange {
  /** The key and when it expires, as an entry without a value. */
  readonly item: DecodedSnapshotEntry;
  /** The command with this expiry, Unix ms, in place of its own. */
  with(expireAtMs: bigint | null): readonly Uint8Array[];
}

const NOTHING = Buffer.alloc(0);
/** Commands after which their key does not expire, or is not there. */
const ENDING = new Set(['DEL', 'UNLINK', 'PERSIST', 'GETDEL', 'GETSET']);

/** Returns the change that a command of one key makes; undefined when it leaves the expiry as it is. */
export function expiryChange(args: readonly Uint8Array[]): ExpiryChange | undefined {
  const [command, key] = args;
  if (key === undefined) return undefined;
  const name = String(command).toUpperCase();
  const optionsFrom = { SET: 3, GETEX: 2 }[name];
  const options =
    optionsFrom === undefined
      ? []
      : args.map((arg, at) => (at < optionsFrom ? '' : String(arg).toUpperCase()));
  if (options.includes('KEEPTTL')) return undefined;
  const expiryAt = name === 'PEXPIREAT' ? 2 : options.indexOf('PXAT') + 1;
  if (expiryAt > 1 && /^\d{1,18}$/.test(String(args[expiryAt]))) {
    return changeOf(args, BigInt(String(args[expiryAt])), expiryAt);
  }
  return name === 'SET' || ENDING.has(name) ? changeOf(args, null, undefined) : undefined;
}

function changeOf(
  args: readonly Uint8Array[],
  expireAtMs: bigint | null,
  expiryAt: number | undefined,
): ExpiryChange {
  const key = Buffer.from(args[1]!);
  return {
    item: { offset: 0, key, value: NOTHING, governance: undefined, expireAtMs },
    with: (later) =>
      expiryAt === undefined || later === null
        ? args
        : args.map((arg, at) => (at === expiryAt ? Buffer.from(`${later}`) : arg)),
  };
}
