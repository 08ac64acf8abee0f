/**
 * How far a segment is synced, in a file beside it that is written in place after each sync and never synced
 * itself (docs/data-directory.md, "What is on the disk when"): it may be behind, and is never ahead.
 */
import { indexPath } from '../frame/index-entry.js';
import type { DataFiles } from './data-files.js';

const DIGITS = 16;

/** Returns the name of the mark beside a segment. */
export function markName(segment: string): string {
  return `${segment}.synced`;
}

/** Returns the names of the files of a dump: itself, its index and its mark. */
export function filesOfDump(name: string): readonly string[] {
  return [name, indexPath(name), markName(name)];
}

/** Encodes the number of bytes that are synced, twice, so that a mark that is half written is noticed. */
export function encodeMark(bytes: number): Buffer {
  const digits = String(bytes).padStart(DIGITS, '0');
  return Buffer.from(`${digits} ${digits}\n`);
}

/** Returns how many bytes of a segment were surely synced; 0 where there is no sound mark. */
export async function readMark(files: DataFiles, segment: string): Promise<number> {
  const text = (await files.read(markName(segment), 2 * DIGITS + 2))?.toString('latin1') ?? '';
  const [, first, second] = /^(\d{16}) (\d{16})\n$/.exec(text) ?? [];
  return first !== undefined && first === second ? Number(first) : 0;
}
