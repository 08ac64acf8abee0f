/** Verifies and salvages dumps that are in memory, in pieces of any size. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BatchCheck } from '../../src/dump/check/batch-check.js';
import { DumpVerifier, type VerifiedContent } from '../../src/dump/check/verifier.js';
import { DumpOutput } from '../../src/dump/make/dump-output.js';
import { DumpSalvager, type Loss } from '../../src/dump/make/salvager.js';
import type { RouteMode } from '../../src/engine/types.js';
import type { FastcacheError } from '../../src/errors.js';
import { FrameWalker, type Stretch, type WalkerChecks } from '../../src/frame/resync.js';

const batches = new BatchCheck();

export interface Verified {
  faults: FastcacheError[];
  /** `code@offset` of each. */
  places: string[];
  cutTail: boolean;
  content: VerifiedContent;
}

export interface VerifyBytesOptions {
  route?: RouteMode;
  shards?: number;
  /** Bytes of a piece; all at once when absent. */
  pieceBytes?: number;
}

export function walkBytes(
  bytes: Uint8Array,
  checks: WalkerChecks,
  onStretch: (stretch: Stretch) => void,
  pieceBytes = bytes.length,
): void {
  const walker = new FrameWalker(checks);
  for (let from = 0; from < bytes.length; from += pieceBytes) {
    walker.push(bytes.subarray(from, from + pieceBytes));
    for (const stretch of walker.stretches()) onStretch(stretch);
  }
  walker.end();
  for (const stretch of walker.stretches()) onStretch(stretch);
}

export function verifyBytes(bytes: Uint8Array, options: VerifyBytesOptions = {}): Verified {
  const faults: FastcacheError[] = [];
  let cutTail = false;
  const verifier = new DumpVerifier(batches, {
    route: options.route ?? 'full-key',
    shards: options.shards,
    onFault: (fault, isCutTail) => {
      faults.push(fault);
      cutTail ||= isCutTail;
    },
  });
  walkBytes(bytes, verifier.check, (stretch) => verifier.take(stretch), options.pieceBytes);
  verifier.end();
  const places = faults.map(({ code, offset }) => `${code}@${offset}`);
  return { faults, places, cutTail, content: verifier.content() };
}

/** Salvages into files of a temporary directory. */
export class Salvager {
  readonly #directory = mkdtempSync(join(tmpdir(), 'fastcache-salvage-'));

  salvage(bytes: Uint8Array, pieceBytes?: number): { saved: Buffer; losses: Loss[]; frames: number } {
    const target = join(this.#directory, 'saved.fcrp');
    const output = new DumpOutput(['no-such-input'], target, { force: true });
    const losses: Loss[] = [];
    const { check } = new DumpVerifier(batches, { route: 'full-key', shards: undefined, onFault() {} });
    const salvager = new DumpSalvager(check, output, (loss) => losses.push(loss));
    walkBytes(bytes, check, (stretch) => salvager.take(stretch), pieceBytes);
    salvager.end();
    output.flush();
    const saved = readFileSync(output.path);
    output.discard();
    return { saved, losses, frames: salvager.frames };
  }

  close(): void {
    rmSync(this.#directory, { recursive: true });
  }
}
