/**
 * The role file (docs/operations.md, "The role file"): the role that a node had last, so that it begins in
 * the same role again. It is JSON, which an operator can read and mend.
 */
import { FastcacheError } from '../errors.js';
import { modeBits } from '../files/file-mode.js';
import { isFields } from '../files/sealed-state.js';
import { isNodeId } from '../replication/link/path.js';
import { formatAddress, isHost, parseAddress } from '../transport/address.js';
import type { Address } from '../transport/connection.js';
import type { NodeConfig } from './config.js';
import type { Place } from './option.js';
import type { NodeFiles } from './seams.js';

/** The role that a node had. */
export interface KeptRole {
  /** The primary that it followed; undefined: it was one. */
  readonly primary: Address | undefined;
  /** The id of the history of its content; undefined: there was none, or nothing was ever written to it. */
  readonly history: string | undefined;
  /** Its id, 16 hex digits. */
  readonly nodeId: string;
  /** Where it was to be reached by others, as its settings said. */
  readonly announced: Place;
}

const FORMAT = 'fastcache role';
const VERSION = 1;
const MAX_BYTES = 4_096;
const HISTORY_ID = /^[0-9a-f]{32}$/;

/** Encodes a role for a file. */
export function encodeRole({ primary, history, nodeId, announced }: KeptRole): Buffer {
  const { host, port } = announced;
  const fields = {
    format: FORMAT,
    version: VERSION,
    role: primary === undefined ? 'primary' : 'replica',
    primary: primary === undefined ? null : formatAddress(primary),
    history: history ?? null,
    node: nodeId,
    announce: host === '' && port === 0 ? null : formatAddress({ host, port }),
  };
  return Buffer.from(`${JSON.stringify(fields, null, 2)}\n`);
}

/**
 * Decodes a role. Throws `STATE_UNUSABLE`, whose message says what `bytes` are instead; the caller names the
 * file.
 */
export function decodeRole(bytes: Buffer): KeptRole {
  const fields = bytes.length > MAX_BYTES ? undefined : parsed(bytes);
  if (!isFields(fields) || fields.format !== FORMAT) throw unusable('It is damaged, or no role file');
  const { version, role, primary, history, node, announce } = fields;
  if (version !== VERSION) {
    throw unusable(`It is of version ${String(version)}, and this release knows ${VERSION}`);
  }
  const followed = primary === null ? undefined : addressOf(primary);
  const announced = announce === null ? { host: '', port: 0 } : placeOf(announce);
  if (
    role !== (primary === null ? 'primary' : 'replica') ||
    (primary !== null && followed === undefined) ||
    announced === undefined ||
    !(history === null || (typeof history === 'string' && HISTORY_ID.test(history))) ||
    typeof node !== 'string' ||
    !isNodeId(node)
  ) {
    throw unusable('It is no sound role file');
  }
  return { primary: followed, history: history ?? undefined, nodeId: node, announced };
}

/**
 * Reads a role file; undefined where there is none. Throws `STATE_UNUSABLE` for a file that holds something
 * else, `READ_FAILED`, `WRITE_FAILED`.
 */
export function readRole(file: string, files: NodeFiles): KeptRole | undefined {
  const bytes = files.readState(file, MAX_BYTES);
  try {
    return bytes && decodeRole(bytes);
  } catch (error) {
    throw error instanceof FastcacheError ? error.inFile(file) : error;
  }
}

/** The options of a `RoleKeeper`. */
export interface RoleKeeperOptions {
  /** The name of the file. */
  readonly file: string;
  readonly files: NodeFiles;
  readonly fileMode: NodeConfig['fileMode'];
  /** The role that was read from the file; undefined: there was none. */
  readonly kept: KeptRole | undefined;
  /** Returns what is to be kept now. */
  role(): KeptRole;
}

/** Writes the role file, one state behind the other. */
export class RoleKeeper {
  readonly #options: RoleKeeperOptions;
  /** The write that is under way; it never rejects. */
  #writing: Promise<unknown> = Promise.resolve();
  /** The write that follows it; undefined: none is asked for. */
  #next: Promise<void> | undefined;

  /** The bytes that were read, as long as none were written, and whether they are on the disk. */
  #found: { readonly bytes: Buffer; readonly isSynced: Promise<boolean> } | undefined;

  constructor(options: RoleKeeperOptions) {
    this.#options = options;
    const { file, files, kept } = options;
    if (kept === undefined) return;
    const isSynced = files.syncState(file).then(
      () => true,
      () => false,
    );
    this.#found = { bytes: encodeRole(kept), isSynced };
  }

  /** Resolves when the present role, or a later one, is on the disk. Throws WRITE_FAILED. */
  save(): Promise<void> {
    this.#next ??= this.#writing.then(() => {
      this.#next = undefined;
      const written = this.#write(encodeRole(this.#options.role()));
      this.#writing = written.catch(() => {});
      return written;
    });
    return this.#next;
  }

  async #write(bytes: Buffer): Promise<void> {
    const { file, files, fileMode } = this.#options;
    const found = this.#found;
    this.#found = undefined;
    if (found?.bytes.equals(bytes) === true && (await found.isSynced)) return;
    await files.replaceState(file, bytes, modeBits(fileMode));
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function addressOf(value: unknown): Address | undefined {
  try {
    const address = typeof value === 'string' ? parseAddress(value) : undefined;
    return address !== undefined && isHost(address.host) ? address : undefined;
  } catch {
    return undefined;
  }
}

/** Reads a place, which may lack its host. */
function placeOf(value: unknown): Place | undefined {
  const address = addressOf(value);
  return address && { host: String(value).startsWith(':') ? '' : address.host, port: address.port };
}

function unusable(what: string): FastcacheError {
  return new FastcacheError(
    'STATE_UNUSABLE',
    `${what}. Mend it, or move it away: the server then begins as its options say.`,
  );
}
