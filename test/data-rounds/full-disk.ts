/** A disk of a few MiB, of its own file system, that fills up under load and gets room again. Needs root. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OptionalPeer } from '../support/optional-peers.js';
import { eventually } from '../support/processes.js';
import { Load, type Losses, pause } from './load.js';
import { DataServer } from './server.js';

/** The data needs about half of it at any time. */
const DISK_MIB = 24;
/** Written until nothing more has room. */
const PIECE_BYTES = 65_536;
/** How long writes go on while there is no room, milliseconds. */
const FULL_MS = 1_500;

export const tmpfs: OptionalPeer = {
  name: 'tmpfs',
  isThere: process.platform === 'linux' && process.getuid?.() === 0,
  remedy: 'run as root, on Linux',
};

export interface FullDisk extends Losses {
  /** From the moment without room to the first refusal, and from room to the first write, milliseconds. */
  readonly refusedMs: number;
  readonly takenMs: number;
  /** Whether the server was killed while there was no room, and started again with room. */
  readonly isKilled: boolean;
  /** The faults that were found. */
  readonly faults: readonly string[];
}

/** A server on a disk of its own. */
export class FullDiskRounds {
  readonly #mount: string;
  readonly #server: DataServer;
  readonly #load: Load;

  static async start(directory: string): Promise<FullDiskRounds> {
    const mount = join(directory, 'disk');
    mkdirSync(mount);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', mount]);
    try {
      const server = await DataServer.place({
        directory: join(mount, 'data'),
        flags: ['--fsync', 'always', '--data-segment', '1mb', '--data-base', '3mb', '--data-keep', 'bases:1'],
      });
      await server.start();
      return new FullDiskRounds(mount, server);
    } catch (error) {
      execFileSync('umount', ['-l', mount]);
      throw error;
    }
  }

  private constructor(mount: string, server: DataServer) {
    this.#mount = mount;
    this.#server = server;
    this.#load = new Load(server, { writers: 4, keysOfWriter: 200, valueBytes: 1_000 });
  }

  /** The disk is full for a while, and has room again. */
  async fill(isKilled: boolean): Promise<FullDisk> {
    const server = this.#server;
    const faults: string[] = [];
    const before = this.#load.acknowledged;
    this.#load.start();
    await eventually(
      () => this.#load.acknowledged,
      (count) => count > before + 1_000,
    );
    const fullMs = performance.now();
    const filler = setInterval(() => this.#fillUp(), 5);
    await eventually(
      () => server.ask('SET', 'probe', 'value').then(String, String),
      (reply) => reply.startsWith('-MISCONF'),
    );
    const refusedMs = performance.now() - fullMs;
    await pause(FULL_MS);
    const read = await server.ask('GET', 'writer:0:0').then(String, String);
    if (!/^\d+ /.test(read)) faults.push(`a read is answered ${read}`);
    const status = await server.field('aof_last_write_status');
    if (status !== 'err') faults.push(`aof_last_write_status is ${status} on a full disk`);
    if (isKilled) await server.end('SIGKILL');
    clearInterval(filler);
    rmSync(join(this.#mount, 'ballast'), { recursive: true });
    const roomMs = performance.now();
    if (isKilled) await server.start();
    await eventually(
      () => server.ask('SET', 'probe', 'value').then(String, String),
      (reply) => reply === '+OK',
    );
    const takenMs = performance.now() - roomMs;
    await this.#load.stop();
    const losses = await this.#load.losses();
    const healed = await server.field('aof_last_write_status');
    if (healed !== 'ok') faults.push(`aof_last_write_status is ${healed} when there is room`);
    // Writes that were acknowledged around the fault must be on the disk, and not in memory alone.
    await server.end('SIGKILL');
    await server.start();
    const later = await this.#load.losses();
    return {
      acknowledged: losses.acknowledged,
      lost: losses.lost + later.lost,
      lostMs: losses.lostMs,
      wrong: losses.wrong + later.wrong,
      refusedMs,
      takenMs,
      isKilled,
      faults,
    };
  }

  async close(): Promise<void> {
    await this.#server.end('SIGKILL');
    execFileSync('umount', ['-l', this.#mount]);
  }

  /** Takes whatever room there is. */
  #fillUp(): void {
    const ballast = join(this.#mount, 'ballast');
    mkdirSync(ballast, { recursive: true });
    try {
      for (;;) writeFileSync(join(ballast, 'file'), Buffer.alloc(PIECE_BYTES), { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}
