/**
 * msgpack as this program writes it. Its library brings native code with it, so it is loaded when the first
 * value is packed or read.
 */
import { createRequire } from 'node:module';
import type { Packr } from 'msgpackr';

let packr: Packr | undefined;

/** Returns a value as msgpack, in memory of its own. */
export function pack(value: unknown): Buffer {
  return loadedPackr().pack(value);
}

/** Returns the value of these bytes, 64-bit numbers as bigints. Throws where they are no msgpack. */
export function unpack(bytes: Buffer): unknown {
  return loadedPackr().unpack(bytes);
}

function loadedPackr(): Packr {
  packr ??= newPackr();
  return packr;
}

function newPackr(): Packr {
  const library = createRequire(import.meta.url)('msgpackr') as typeof import('msgpackr');
  return new library.Packr({ useRecords: false, variableMapSize: true, int64AsType: 'bigint' });
}
