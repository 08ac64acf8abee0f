/** The manifest of a data directory (docs/data-directory.md, "Manifest"). */
import { createHash } from 'node:crypto';
import { FastcacheError } from '../errors.js';
import type { DataFiles } from './data-files.js';
import { replaceFile } from './replace-file.js';

/** The manifest's name in the directory. */
export const MANIFEST = 'manifest';
const FORMAT = 'fastcache data';
const VERSION = 1;
/** Room for some hundred thousand files. */
const MAX_BYTES = 64 * 1024 * 1024;
const NO_DIGEST = '0'.repeat(64);

/**
 * The content that the frames of a segment follow: that of the segment before it, of an empty store, or of a
 * base.
 */
export type Follows = 'segment' | 'nothing' | 'base';

/** A file of frames. */
export interface SegmentEntry {
  readonly number: number;
  /** Its length; null while it is not sealed. */
  readonly bytes: number | null;
  readonly follows: Follows;
  /** The id of its history, 32 hex digits. */
  readonly history: string;
  /** Unix ms. */
  readonly begunAtMs: number;
}

/** A snapshot. */
export interface BaseEntry {
  readonly number: number;
  readonly bytes: number;
  /** The segment from which on frames are applied to it. */
  readonly segment: number;
  readonly history: string;
  readonly keys: number;
  /** Unix ms at which it was whole. */
  readonly madeAtMs: number;
}

/** The files that count, each kind by rising numbers. */
export interface Manifest {
  /** Whether the last server ended in order, so that all that it published is there. */
  readonly isClean: boolean;
  readonly segments: readonly SegmentEntry[];
  readonly bases: readonly BaseEntry[];
}

/** The manifest of a directory in which nothing is. */
export const EMPTY_MANIFEST: Manifest = { isClean: false, segments: [], bases: [] };

/** Returns the name of a segment. */
export function segmentName(number: number): string {
  return nameOf('segment', number);
}

/** Returns the name of a base. */
export function baseName(number: number): string {
  return nameOf('base', number);
}

/** Returns which segment or base a name is that of; undefined: it is of none. */
export function dumpOf(name: string): { kind: 'segment' | 'base'; number: number } | undefined {
  const [, kind, digits] = /^(segment|base)-(\d{8,})\.fcrp$/.exec(name) ?? [];
  return kind === 'segment' || kind === 'base' ? { kind, number: Number(digits) } : undefined;
}

/** Encodes a manifest. */
export function encodeManifest({ isClean, segments, bases }: Manifest): Buffer {
  const lines = (entries: readonly object[]) =>
    entries.length === 0
      ? '[]'
      : `[\n    ${entries.map((entry) => JSON.stringify(entry)).join(',\n    ')}\n  ]`;
  const text = [
    '{',
    `  "format": ${JSON.stringify(FORMAT)},`,
    `  "version": ${VERSION},`,
    `  "isClean": ${isClean},`,
    `  "segments": ${lines(segments)},`,
    `  "bases": ${lines(bases)},`,
    `  "sha256": "${NO_DIGEST}"`,
    '}\n',
  ].join('\n');
  return Buffer.from(text.replace(NO_DIGEST, digestOf(text)));
}

/** Decodes a manifest. Throws STATE_UNUSABLE, which says what `bytes` are; the caller names the file. */
export function decodeManifest(bytes: Buffer): Manifest {
  const text = bytes.toString('utf8');
  const fields = bytes.length > MAX_BYTES ? undefined : parsed(text);
  if (fields?.format !== FORMAT) throw unusable('It is damaged, or no manifest of a data directory');
  const { version, isClean, segments, bases, sha256 } = fields;
  if (version !== VERSION) {
    throw new FastcacheError(
      'STATE_UNUSABLE',
      `It is of version ${String(version)}, and this release knows ${VERSION}: another release has written the ` +
        'directory. Use that one, or a later one. Nothing was changed.',
      { expected: VERSION, found: String(version) },
    );
  }
  if (typeof sha256 !== 'string' || digestOf(text.replace(sha256, NO_DIGEST)) !== sha256) {
    throw unusable('It is damaged: its checksum is of another text');
  }
  if (
    typeof isClean !== 'boolean' ||
    !isRising(segments) ||
    !areAll(segments, isSegment) ||
    !isRising(bases) ||
    !areAll(bases, isBase) ||
    !bases.every((base) => segments.some(({ number }) => number === base.segment))
  ) {
    throw unusable('It is no sound manifest');
  }
  return { isClean, segments, bases };
}

/** Whether a manifest is at fault for being of another version: it may be sound, and must not be replaced. */
export function isOtherVersion({ code, found }: FastcacheError): boolean {
  return code === 'STATE_UNUSABLE' && found !== undefined;
}

/** Reads a directory's manifest; undefined where there is none. Throws STATE_UNUSABLE and system errors. */
export async function readManifest(files: DataFiles): Promise<Manifest | undefined> {
  const bytes = await files.read(MANIFEST, MAX_BYTES);
  try {
    return bytes && decodeManifest(bytes);
  } catch (error) {
    throw error instanceof FastcacheError ? error.inFile(files.pathOf(MANIFEST)) : error;
  }
}

/** Replaces the manifest; resolves when the new one is on the disk. Rejects with system errors. */
export function replaceManifest(files: DataFiles, manifest: Manifest): Promise<void> {
  return replaceFile(files, MANIFEST, encodeManifest(manifest));
}

/** The files from which the content of a directory is made. */
export interface Content {
  /** Undefined: the segments are applied to an empty store. */
  readonly base: BaseEntry | undefined;
  readonly segments: readonly SegmentEntry[];
}

/** Returns the files from which the content is made; undefined: there is none. */
export function contentOf({ segments, bases }: Manifest): Content | undefined {
  const base = bases.at(-1);
  const emptyAt = segments.findLastIndex(({ follows }) => follows === 'nothing');
  const from = segments.findIndex(({ number }) => number === base?.segment);
  if (emptyAt === -1 && from === -1) return undefined;
  const first = Math.max(emptyAt, from);
  const length = segments.slice(first + 1).findIndex(({ follows }) => follows !== 'segment');
  return {
    base: from >= emptyAt ? base : undefined,
    segments: segments.slice(first, length === -1 ? undefined : first + 1 + length),
  };
}

/** Returns the manifest with the segment of this name sealed, at its length; undefined: there is none. */
export function sealed(
  manifest: Manifest,
  file: { readonly name: string; readonly bytes: number } | undefined,
): Manifest {
  if (file === undefined) return manifest;
  const segments = manifest.segments.map((entry) =>
    segmentName(entry.number) === file.name ? { ...entry, bytes: file.bytes } : entry,
  );
  return { ...manifest, segments };
}

/** Returns the bytes of the sealed segments from the newest base on. */
export function tailOf(manifest: Manifest): number {
  const { segments = [] } = contentOf(manifest) ?? {};
  return segments.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
}

function nameOf(kind: 'segment' | 'base', number: number): string {
  return `${kind}-${String(number).padStart(8, '0')}.fcrp`;
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isRising(value: unknown): value is readonly Record<string, unknown>[] {
  if (!Array.isArray(value) || !value.every(isRecord)) return false;
  return value.every(({ number }, at) => isCount(number) && number > Number(value[at - 1]?.number ?? 0));
}

function areAll<T extends object>(
  entries: readonly object[],
  isOne: (entry: object) => entry is T,
): entries is readonly T[] {
  return entries.every(isOne);
}

function isSegment(entry: object): entry is SegmentEntry {
  const { bytes, follows, history, begunAtMs } = entry as { [name in keyof SegmentEntry]: unknown };
  const isKnown = follows === 'segment' || follows === 'nothing' || follows === 'base';
  return isKnown && (bytes === null || isCount(bytes)) && isHistory(history) && isCount(begunAtMs);
}

function isBase(entry: object): entry is BaseEntry {
  const { bytes, segment, history, keys, madeAtMs } = entry as { [name in keyof BaseEntry]: unknown };
  return [bytes, segment, keys, madeAtMs].every(isCount) && isHistory(history);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isHistory(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9a-f]{32}$/.test(value);
}

function unusable(what: string): FastcacheError {
  return new FastcacheError(
    'STATE_UNUSABLE',
    `${what}. Put back a sound copy of it, or have \`fastcache data repair\` make a new directory with another, or ` +
      'move the directory away: the server then begins without data.',
  );
}
