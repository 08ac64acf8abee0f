/** Reads a dump to its end and reports every fault in it. */
import type { RouteMode } from '../../engine/types.js';
import type { FastcacheError } from '../../errors.js';
import type { Stretch } from '../../frame/resync.js';
import { BatchCheck } from '../check/batch-check.js';
import { DumpVerifier, type VerifiedContent } from '../check/verifier.js';
import { ContentProof } from '../fold/content-proof.js';
import { loadDumps } from '../fold/load.js';
import { ToolStores } from '../fold/tool-stores.js';
import { type DumpSource, dumpName, type ReadingOptions } from '../read/dump-reader.js';
import { walkDump } from '../read/walk.js';
import { checkIndex, type DumpFault, type VerifiedIndex } from './index-check.js';
import { LoadCheck } from './load-check.js';

/** How `verifyDump` works. */
export interface VerifyOptions extends ReadingOptions {
  /** How the primary routes keys to shards; `full-key` when absent. */
  route?: RouteMode | undefined;
  /**
   * How many shards the primary has, a power of two from 1 to 1,024; when absent, the count in the dump's
   * lists of watermarks.
   */
  shards?: number | undefined;
  /** How many faults are listed; 100 when absent. The others are counted. */
  maxFaults?: number | undefined;
  /**
   * Whether a dump with digests is read a second time, to compare its content with them; true when absent.
   * That takes memory for the content.
   */
  provesContent?: boolean | undefined;
}

/** The result of `verifyDump`. */
export interface VerifiedDump extends VerifiedContent {
  /** The path, `stdin` or `the stream`. */
  file: string;
  /** Whether there is no fault. */
  isSound: boolean;
  /** The first faults, about in the order of the dump. */
  faults: DumpFault[];
  /** Faults in all. */
  faultCount: number;
  endsInsideLastFrame: boolean;
  /** The result of the check with the index beside the dump. */
  index: VerifiedIndex;
  /**
   * How often a shard was compared with a digest of the dump; 0: it has none, or cannot be read a second
   * time, or does not lead to a key space.
   */
  comparedDigests: number;
  /**
   * Why `foldDump` and `primary start --load` refuse the dump, with its name and mostly a byte offset;
   * undefined when it leads to a key space. A sound dump may lead to none: it is empty, or begins in the
   * middle of a history.
   */
  loadFault: FastcacheError | undefined;
}

const DEFAULT_MAX_FAULTS = 100;

/**
 * Verifies a dump: the structure of each frame, keys against their hashes and tags, records against their
 * shards, the order of sequences, the framing of snapshots, and that watermarks never fall within a history.
 * Behind damage it continues at the next sound frame. Then all bytes are compared with the index beside the
 * dump, and the content with the digests in it, if it has any. A value that was changed is not noticed where
 * there is no index and no digest follows. Faults are returned, not thrown; rejects with `NO_INPUT`,
 * `READ_FAILED`, `OUT_OF_MEMORY`.
 *
 * ```js
 * const { isSound, faults, loadFault } = await verifyDump('dump.fcrp');
 * for (const { fault } of faults) console.log(fault.place, fault.code, fault.message);
 * ```
 */
export async function verifyDump(source: DumpSource, options: VerifyOptions = {}): Promise<VerifiedDump> {
  const { route = 'full-key', shards, maxFaults = DEFAULT_MAX_FAULTS, provesContent = true } = options;
  const { signal, onProgress } = options;
  const file = dumpName(source);
  const faults: DumpFault[] = [];
  let faultCount = 0;
  const onFault = (fault: FastcacheError, isCutTail: boolean) => {
    faultCount += 1;
    if (faults.length < maxFaults) faults.push({ fault: fault.inFile(file), isCutTail });
  };
  const verifier = new DumpVerifier(new BatchCheck(), {
    route,
    shards,
    onFault,
  });
  const loadCheck = new LoadCheck(file, (frame) => verifier.check.payloadOf(frame));
  const content = await walkVerified(source, verifier, {
    signal,
    onRead: (bytes) => onProgress?.({ stage: 'reading', source, bytes }),
    onStretch: (stretch) => loadCheck.take(stretch),
  });
  const loadFault = loadCheck.end();
  const index = await checkIndex(source, { faults, onFault, signal, onProgress });
  const hasDigests = (content.frames.Digests ?? 0) > 0 && typeof source === 'string' && source !== '-';
  const comparedDigests =
    provesContent && hasDigests && faultCount === 0 && loadFault === undefined
      ? await proveContent(source, { signal, onProgress, onDiffers: (fault) => onFault(fault, false) })
      : 0;
  const endsInsideLastFrame = faults.some(({ isCutTail }) => isCutTail);
  const isSound = faultCount === 0;
  const found = { faults, faultCount, endsInsideLastFrame, index, comparedDigests, loadFault };
  return { file, isSound, ...content, ...found };
}

/** Compares what a dump leads to with the digests in it; returns how often. Throws as `loadDumps`. */
async function proveContent(
  source: string,
  { signal, onProgress, onDiffers }: ReadingOptions & { onDiffers(fault: FastcacheError): void },
): Promise<number> {
  const proof = new ContentProof(onDiffers);
  const stores = new ToolStores();
  await loadDumps({
    files: [source],
    signal,
    createStore: (shards) => stores.create(shards, proof.routing),
    onRead: (_, bytes) => onProgress?.({ stage: 'reading', source, bytes }),
    proof,
  });
  return proof.compared;
}

/** The options of `walkVerified`. */
export interface VerifiedWalk {
  signal: AbortSignal | undefined;
  /** Called after each chunk with the bytes that have been read so far. */
  onRead(bytes: number): void;
  /** Called with each stretch when it has been verified; absent: nobody asks. */
  onStretch?(stretch: Stretch): void;
}

/**
 * Walks a dump through a verifier, which is ended; returns what was looked at. Throws as `verifyDump`, and
 * what the verifier's `onFault` throws.
 */
export async function walkVerified(
  source: DumpSource,
  verifier: DumpVerifier,
  { signal, onRead, onStretch }: VerifiedWalk,
): Promise<VerifiedContent> {
  await walkDump({
    file: source,
    checks: verifier.check,
    signal,
    onStretch: (stretch) => {
      verifier.take(stretch);
      onStretch?.(stretch);
    },
    onRead,
  });
  verifier.end();
  return verifier.content();
}
