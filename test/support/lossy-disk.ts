/**
 * A disk for a data directory that loses what was not synced: at a crash each file keeps what was synced and
 * of the rest some blocks, in no order; and a name that was made, moved or removed since the last sync of the
 * names may be as before. Behind synced bytes a segment has room. The disk can crash, or fail, at any of its
 * operations.
 */
import type { DataFile, DataFiles, DataLock } from '../../src/data/data-files.js';
import { isSegment } from '../../src/frame/room.js';
import type { RandomSource } from './random.js';
import { withoutRoom } from './room.js';

/** Bytes that a disk loses or tears are at least so many. */
const SECTOR_BYTES = 64;
const BLOCK_BYTES = 4_096;
/** Room is made behind synced bytes when less is left, so much at once. */
const ROOM_BYTES = 1_024;
const LEAST_ROOM_BYTES = 512;

interface Inode {
  bytes: Buffer;
  /** The bytes that are on the disk for sure. */
  synced: Buffer;
  /** Bytes before the room; after a crash nobody knows. */
  contentBytes: number;
}

/** One operation: `write` and the like. */
export type DiskOperation = 'append' | 'sync' | 'create' | 'rename' | 'remove' | 'truncate' | 'syncNames';

export class LossyDisk implements DataFiles {
  /**
   * Called before each operation; the operation fails with the error that it throws, and half of the bytes to
   * append are then in the file.
   */
  before: (operation: DiskOperation, name: string) => void = () => {};
  /** Called behind each operation that has been carried out, which fails with the error that it throws. */
  behind: (operation: DiskOperation, name: string) => void = () => {};
  /** Has an operation carried out after the time that one takes. */
  delay: (run: () => void) => void = setImmediate;
  operations = 0;
  #names = new Map<string, Inode>();
  #syncedNames = new Map<string, Inode>();
  #isLocked = false;
  /** A process that was killed does nothing more. */
  #generation = 0;

  pathOf(name: string): string {
    return `disk/${name}`;
  }

  async prepare(): Promise<void> {}

  async lock(): Promise<DataLock | undefined> {
    if (this.#isLocked) return undefined;
    this.#isLocked = true;
    const generation = this.#generation;
    return {
      release: async () => {
        if (generation === this.#generation) this.#isLocked = false;
      },
    };
  }

  /** Kills the process: the bytes that it has written are there, synced or not. */
  kill(): void {
    this.#generation += 1;
    this.#isLocked = false;
    this.before = this.behind = () => {};
  }

  /** Kills the process and cuts the power. */
  crash(random: RandomSource): void {
    this.kill();
    const names = new Map<string, Inode>();
    for (const name of new Set([...this.#names.keys(), ...this.#syncedNames.keys()])) {
      const [now, then] = [this.#names.get(name), this.#syncedNames.get(name)];
      const inode = now === then || random.chance(0.5) ? now : then;
      if (inode !== undefined) names.set(name, inode);
    }
    for (const inode of new Set(names.values())) {
      inode.bytes = inode.synced = lost(inode, random);
      inode.contentBytes = inode.bytes.length;
    }
    this.#names = names;
    this.#syncedNames = new Map(names);
  }

  /** Returns the bytes of a file without its room; undefined: no such file. */
  bytesOf(name: string): Buffer | undefined {
    const inode = this.#names.get(name);
    return inode?.bytes.subarray(0, inode.contentBytes);
  }

  /** Changes bytes behind everybody's back; the file then has no room. */
  damage(name: string, change: (bytes: Buffer) => Buffer): void {
    const inode = this.#inode(name);
    inode.bytes = inode.synced = change(Buffer.from(this.bytesOf(name)!));
    inode.contentBytes = inode.bytes.length;
  }

  async list(): Promise<string[]> {
    return [...this.#names.keys()].sort();
  }

  async read(name: string, maxBytes: number, from = 0): Promise<Buffer | undefined> {
    return this.#names.get(name)?.bytes.subarray(from, from + maxBytes + 1);
  }

  async *blocks(name: string, from = 0): AsyncGenerator<Buffer> {
    const bytes = await this.#content(name);
    for (let at = from; at < bytes.length; at += BLOCK_BYTES) yield bytes.subarray(at, at + BLOCK_BYTES);
  }

  async size(name: string): Promise<number | undefined> {
    return this.#names.has(name) ? (await this.#content(name)).length : undefined;
  }

  async create(name: string): Promise<DataFile> {
    const inode = { bytes: Buffer.alloc(0), synced: Buffer.alloc(0), contentBytes: 0 };
    // A file that a killed process has opened takes no more of the bytes that it was about to write.
    const generation = this.#generation;
    await this.#do('create', name, () => {
      if (this.#names.has(name)) throw Object.assign(new Error(`EEXIST: ${name}`), { code: 'EEXIST' });
      this.#names.set(name, inode);
    });
    return this.#fileOf(name, inode, generation);
  }

  async reopen(name: string, bytes: number): Promise<DataFile> {
    const generation = this.#generation;
    const inode = this.#names.get(name) ?? {
      bytes: Buffer.alloc(0),
      synced: Buffer.alloc(0),
      contentBytes: 0,
    };
    await this.#do('truncate', name, () => {
      this.#names.set(name, inode);
      // Whether the cut is on the disk is not known before a sync.
      inode.bytes = Buffer.from(inode.bytes.subarray(0, bytes));
      inode.contentBytes = inode.bytes.length;
    });
    return this.#fileOf(name, inode, generation);
  }

  #fileOf(name: string, inode: Inode, generation: number): DataFile {
    const file: DataFile = {
      append: async (pieces) => {
        const taken = Buffer.concat(pieces);
        const append = (bytes: Buffer) => {
          const end = inode.contentBytes + bytes.length;
          inode.bytes = Buffer.concat([
            inode.bytes.subarray(0, inode.contentBytes),
            bytes,
            inode.bytes.subarray(end),
          ]);
          inode.contentBytes = end;
        };
        await this.#do(
          'append',
          name,
          () => append(taken),
          () => append(taken.subarray(0, taken.length / 2)),
          generation,
        );
      },
      rewrite: (bytes) =>
        this.#do(
          'append',
          name,
          () => {
            inode.bytes = Buffer.concat([bytes, inode.bytes.subarray(bytes.length)]);
          },
          undefined,
          generation,
        ),
      sync: async () => {
        const bytes = inode.bytes;
        await this.#do(
          'sync',
          name,
          () => {
            inode.synced = bytes;
          },
          undefined,
          generation,
        );
      },
      appendSynced: async (pieces) => {
        await file.append(pieces);
        const roomBytes = inode.bytes.length - inode.contentBytes;
        if (isSegment(name) && roomBytes < LEAST_ROOM_BYTES) {
          inode.bytes = Buffer.concat([inode.bytes, Buffer.alloc(ROOM_BYTES)]);
        }
        await file.sync();
      },
      close: async () => {
        if (generation === this.#generation) inode.bytes = inode.bytes.subarray(0, inode.contentBytes);
      },
    };
    return file;
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#do('rename', from, () => {
      this.#names.set(to, this.#inode(from));
      this.#names.delete(from);
    });
  }

  async shorten(name: string, bytes: number): Promise<boolean> {
    const size = this.bytesOf(name)?.length ?? 0;
    if (size > bytes) await this.truncate(name, size - bytes);
    return size > bytes;
  }

  async remove(name: string): Promise<void> {
    await this.#do('remove', name, () => this.#names.delete(name));
  }

  async truncate(name: string, bytes: number): Promise<void> {
    await this.#do('truncate', name, () => {
      const inode = this.#inode(name);
      inode.bytes = inode.synced = Buffer.from(inode.bytes.subarray(0, bytes));
      inode.contentBytes = inode.bytes.length;
    });
  }

  async syncNames(): Promise<void> {
    const names = new Map(this.#names);
    await this.#do('syncNames', '', () => {
      this.#syncedNames = names;
    });
  }

  /** Returns the bytes of a file without its room. */
  async #content(name: string): Promise<Buffer> {
    const { bytes } = this.#inode(name);
    return isSegment(name) ? withoutRoom(bytes) : bytes;
  }

  #inode(name: string): Inode {
    const inode = this.#names.get(name);
    if (inode === undefined) throw Object.assign(new Error(`ENOENT: ${name}`), { code: 'ENOENT' });
    return inode;
  }

  /** Carries an operation out; `inPart` is what it does when it fails. */
  async #do(
    operation: DiskOperation,
    name: string,
    carryOut: () => void,
    inPart: () => void = () => {},
    generation = this.#generation,
  ): Promise<void> {
    await new Promise<void>((resolve) => this.delay(resolve));
    // An operation that a killed process waits for never ends.
    if (generation !== this.#generation) await new Promise(() => {});
    this.operations += 1;
    try {
      this.before(operation, name);
    } catch (error) {
      inPart();
      throw error;
    }
    if (generation !== this.#generation) await new Promise(() => {});
    carryOut();
    this.behind(operation, name);
    if (generation !== this.#generation) await new Promise(() => {});
  }
}

function lost({ bytes, synced }: Inode, random: RandomSource): Buffer {
  // A small file, as a mark is, mostly has all of its bytes or none.
  const isWhole = random.chance(0.5);
  const from = Math.min(synced.length, bytes.length);
  const kept = Buffer.from(bytes.subarray(0, isWhole ? bytes.length : random.between(from, bytes.length)));
  for (let at = 0; at < kept.length; at += SECTOR_BYTES) {
    if (random.chance(0.9)) continue;
    const end = Math.min(at + SECTOR_BYTES, kept.length);
    for (let byte = at; byte < end; byte += 1) kept[byte] = synced[byte] ?? 0;
  }
  return kept;
}
