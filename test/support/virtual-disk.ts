/**
 * A disk in a `VirtualWorld`: bytes reach it some time after they were written, and only what was synced
 * outlives the process that wrote it, with a part of the rest perhaps. A file that a process has open is
 * among its sockets, so that a file that is never closed is left behind as they are.
 */
import { loadContent } from '../../src/dump/rdb/load-content.js';
import { FastcacheError } from '../../src/errors.js';
import { digestOfEdges, type KnownDump } from '../../src/files/dump-digest.js';
import type { FrameSink } from '../../src/files/frame-sink.js';
import type { NodeFiles } from '../../src/server/seams.js';
import type { RandomSource } from './random.js';
import type { Socket, VirtualProcess } from './virtual-process.js';

export interface DiskConditions {
  /** Until bytes or a sync are on the disk, at most, ms. */
  latencyMs: number;
  /** `write` of a sink returns false from so many bytes on their way. */
  bufferBytes: number;
}

export const PERFECT_DISK: Readonly<DiskConditions> = { latencyMs: 0.1, bufferBytes: 1_048_576 };

/** Bytes on the disk; the first `synced` of them outlive a crash. */
interface VirtualFile {
  parts: Buffer[];
  size: number;
  synced: number;
}

export class VirtualDisk {
  conditions: DiskConditions = PERFECT_DISK;
  readonly #files = new Map<string, VirtualFile>();
  readonly #random: RandomSource;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  /** Returns the bytes that a reader finds at `path`; undefined: no such file. */
  read(path: string): Buffer | undefined {
    const file = this.#files.get(path);
    return file && bytesOf(file);
  }

  /** Removes a file behind everybody's back. */
  remove(path: string): void {
    this.#files.delete(path);
  }

  /** The disk as one process has it: bytes that it has not synced when it is killed may be lost. */
  of(process: VirtualProcess): NodeFiles {
    return {
      openSink: (path, { kept } = {}) => this.#openSink(process, path, kept),
      dumpBytes: (path) => this.read(path)?.length ?? 0,
      wholeDump: async (path) => {
        const file = this.#files.get(path)!;
        return { bytes: file.size, sha256: digestIn(file, file.size)! };
      },
      indexedSink: async (_path, sink) => sink,
      readState: (path, maxBytes) => this.read(path)?.subarray(0, maxBytes + 1),
      replaceState: (path, bytes) => this.#replace(process, path, Buffer.from(bytes)),
      async syncState() {},
      openData() {
        throw new Error('a virtual node has no data directory');
      },
      readPem(path) {
        throw new FastcacheError('NO_INPUT', 'There is no such file.', { file: path });
      },
      loadContent: (options) => loadContent({ ...options, open: (path) => this.#stream(path) }),
      async refuseInPlace() {},
    };
  }

  async *#stream(path: string): AsyncGenerator<Uint8Array> {
    const bytes = this.read(path);
    if (bytes === undefined) throw new FastcacheError('NO_INPUT', 'There is no such dump.', { file: path });
    yield bytes;
  }

  #latencyMs(): number {
    return (this.#random.below(1_000) / 1_000) * this.conditions.latencyMs;
  }

  /** Either all of it has the name, or nothing: a crash in between leaves the one or the other. */
  #replace(process: VirtualProcess, path: string, bytes: Buffer): Promise<void> {
    const replace = () => {
      this.#files.set(path, { parts: [bytes], size: bytes.length, synced: bytes.length });
    };
    return new Promise((resolve) => {
      const socket: Socket = {
        resumed() {},
        orphaned: () => {
          if (this.#random.chance(0.5)) replace();
        },
      };
      process.sockets.add(socket);
      process.seams.timers.after(this.#latencyMs(), () => {
        process.sockets.delete(socket);
        replace();
        resolve();
      });
    });
  }

  #openSink(process: VirtualProcess, path: string, kept: KnownDump | undefined): FrameSink {
    const file = this.#files.get(path) ?? { parts: [], size: 0, synced: 0 };
    if (kept !== undefined && digestIn(file, kept.bytes) !== kept.sha256) {
      const message = `The dump is of ${file.size} bytes and cannot be continued behind ${kept.bytes}.`;
      throw new FastcacheError('WRITE_FAILED', message, { file: path });
    }
    this.#files.set(path, file);
    const sink = new VirtualSink(process, file, {
      latencyMs: () => this.#latencyMs(),
      bufferBytes: () => this.conditions.bufferBytes,
      keptBytes: kept?.bytes ?? 0,
    });
    const socket: Socket = {
      resumed() {},
      orphaned: () => truncate(file, this.#random.between(file.synced, file.size)),
    };
    process.sockets.add(socket);
    sink.closed = () => process.sockets.delete(socket);
    return sink;
  }
}

interface SinkOptions {
  latencyMs(): number;
  bufferBytes(): number;
  keptBytes: number;
}

class VirtualSink implements FrameSink {
  handlers = { onDrain() {}, onFault() {} };
  closed = () => {};
  readonly #process: VirtualProcess;
  readonly #file: VirtualFile;
  readonly #options: SinkOptions;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isPlanned = false;
  #isFull = false;
  #isEnded = false;

  constructor(process: VirtualProcess, file: VirtualFile, options: SinkOptions) {
    this.#process = process;
    this.#file = file;
    this.#options = options;
  }

  get unwrittenBytes(): number {
    return this.#waitingBytes;
  }

  begin(): void {
    truncate(this.#file, this.#options.keptBytes);
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isEnded) throw new Error('a sink was written to after its end');
    this.#waiting.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    this.#waitingBytes += bytes.length;
    if (!this.#isPlanned) {
      this.#isPlanned = true;
      this.#process.seams.timers.after(this.#options.latencyMs(), () => this.#settle());
    }
    this.#isFull = this.#waitingBytes >= this.#options.bufferBytes();
    return !this.#isFull;
  }

  sync(): Promise<void> {
    return new Promise((resolve) => {
      this.#process.seams.timers.after(this.#options.latencyMs(), () => {
        this.#settle();
        this.#file.synced = this.#file.size;
        resolve();
      });
    });
  }

  digest(bytes: number): string {
    const digest = digestIn(this.#file, bytes);
    if (digest === undefined) throw new Error(`a dump of ${this.#file.size} bytes has lost some of ${bytes}`);
    return digest;
  }

  end(): Promise<void> {
    this.#isEnded = true;
    return new Promise((resolve) => {
      this.#process.seams.timers.after(this.#options.latencyMs(), () => {
        this.#settle();
        this.closed();
        resolve();
      });
    });
  }

  #settle(): void {
    this.#isPlanned = false;
    for (const bytes of this.#waiting.splice(0)) {
      this.#file.parts.push(Buffer.from(bytes));
      this.#file.size += bytes.length;
    }
    this.#waitingBytes = 0;
    if (!this.#isFull) return;
    this.#isFull = false;
    this.handlers.onDrain();
  }
}

function bytesOf(file: VirtualFile): Buffer {
  if (file.parts.length > 1) file.parts = [Buffer.concat(file.parts, file.size)];
  return file.parts[0] ?? Buffer.alloc(0);
}

function digestIn(file: VirtualFile, bytes: number): string | undefined {
  const whole = bytesOf(file);
  return digestOfEdges((target, position) => whole.copy(target, 0, position), bytes);
}

function truncate(file: VirtualFile, size: number): void {
  file.parts = [Buffer.from(bytesOf(file).subarray(0, size))];
  file.size = file.parts[0]!.length;
  file.synced = Math.min(file.synced, file.size);
}
