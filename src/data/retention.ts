/** How much a data directory keeps, and when it makes bases of its own accord. */
import type { Manifest } from './manifest.js';

/**
 * The amount that is kept: a number of bases, all of a time, or as many bytes; the newest base in any case.
 */
export type Keep =
  | { readonly bases: number }
  | { readonly milliseconds: number }
  | { readonly bytes: number };

/** When a base is made: when the tail outgrows the data, when it has so many bytes, or only if asked for. */
export type BaseRule = 'auto' | 'never' | { readonly bytes: number };

/** The forms of `--data-keep`. */
export const KEEP_PATTERN = /^(?:bases:[1-9]\d{0,5}|[1-9]\d{0,8}(?:s|m|h|d|kb|mb|gb|tb))$/i;
/** The forms of `--data-base`. */
export const BASE_PATTERN = /^(?:auto|never|[1-9]\d{0,8}(?:kb|mb|gb|tb))$/i;

/** A tail that is smaller is never worth a base, unless a size is given. */
const BASE_AFTER_BYTES = 512 * 1024 ** 2;
const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  kb: 1024,
  mb: 1024 ** 2,
  gb: 1024 ** 3,
  tb: 1024 ** 4,
};

/** Reads a text of the form `KEEP_PATTERN`. */
export function parseKeep(text: string): Keep {
  const [, count] = /^bases:(\d+)$/i.exec(text) ?? [];
  if (count !== undefined) return { bases: Number(count) };
  return /b$/i.test(text) ? { bytes: amountOf(text) } : { milliseconds: amountOf(text) };
}

/** Reads a text of the form `BASE_PATTERN`. */
export function parseBaseRule(text: string): BaseRule {
  const word = text.toLowerCase();
  return word === 'auto' || word === 'never' ? word : { bytes: amountOf(text) };
}

/** Whether a base is to be made: `tailBytes` follow the last one, which has `baseBytes`. */
export function isBaseDue(rule: BaseRule, tailBytes: number, baseBytes: number): boolean {
  if (rule === 'never') return false;
  return rule === 'auto' ? tailBytes > Math.max(baseBytes, BASE_AFTER_BYTES) : tailBytes >= rule.bytes;
}

/** Returns how many of the newest bases are kept, at least one where there is any; `nowMs` is Unix ms. */
export function keptBases(manifest: Manifest, keep: Keep, nowMs: number): number {
  const { bases } = manifest;
  if ('bases' in keep) return keep.bases;
  if ('milliseconds' in keep) {
    // The newest base that is older than that is where the oldest of these moments begins.
    const from = nowMs - keep.milliseconds;
    return (
      bases.length -
      Math.max(
        0,
        bases.findLastIndex(({ madeAtMs }) => madeAtMs <= from),
      )
    );
  }
  for (let count = bases.length; count > 1; count -= 1) {
    if (bytesFrom(manifest, count) <= keep.bytes) return count;
  }
  return 1;
}

/** Returns the bytes of the newest `count` bases, with the segments from the oldest of them on. */
function bytesFrom({ bases, segments }: Manifest, count: number): number {
  const kept = bases.slice(-count);
  const from = kept[0]?.segment ?? 0;
  const sum = (entries: readonly { readonly bytes: number | null }[]) =>
    entries.reduce((bytes, entry) => bytes + (entry.bytes ?? 0), 0);
  return sum(kept) + sum(segments.filter(({ number }) => number >= from));
}

function amountOf(text: string): number {
  const [, digits = '0', unit = ''] = /^(\d+)([a-z]+)$/i.exec(text) ?? [];
  return Number(digits) * UNITS[unit.toLowerCase()]!;
}
