/** Whether the files of a data directory lead to its content, and to what the digests in them say. */
import { areStillNamed, dumpsOf, filesOf, readDirectory } from '../../data/directory-dumps.js';
import { type Content, contentOf, type Manifest } from '../../data/manifest.js';
import { allContents } from '../../data/past-manifest.js';
import { ContentProof } from '../../dump/fold/content-proof.js';
import { KeySpaceFold } from '../../dump/fold/key-space-fold.js';
import type { FoldStore } from '../../dump/fold/store-pool.js';
import { ToolStores } from '../../dump/fold/tool-stores.js';
import { type DumpProgress, dumpName, inDump, readDumpChunks } from '../../dump/read/dump-reader.js';
import { WatermarkStore } from '../../engine/watermark-store.js';
import { FastcacheError } from '../../errors.js';

/** So often is the content read at most while the server that has the directory drops files of it. */
const TRIES = 5;

/** The content that the files of a directory lead to, compared with their digests. */
export interface VerifiedDataContent {
  /** Why they lead to no content; undefined when they do, or there is none. */
  readonly fault: FastcacheError | undefined;
  /** The shards that are not what digests say, each once, with file and byte offset. */
  readonly differences: readonly FastcacheError[];
  /** The number of times that a shard was compared with a digest. */
  readonly compared: number;
}

/**
 * Applies the files of a directory, each of which is sound by itself. `hasDigests`: they are applied to
 * stores that keep content, as large as that is, and otherwise to stores that do not. Throws OUT_OF_MEMORY
 * and system errors.
 */
export async function verifyContent(
  directory: string,
  hasDigests: boolean,
  onProgress: (progress: DumpProgress) => void,
): Promise<VerifiedDataContent> {
  for (let tries = 1; ; tries += 1) {
    const manifest = await readDirectory(directory);
    const isLast = async () =>
      tries === TRIES || (await areStillNamed(directory, dumpsOf(directory, manifest)));
    try {
      const content = await verifyOnce(directory, manifest, hasDigests, onProgress);
      if (content.fault === undefined || (await isLast())) return content;
    } catch (error) {
      if (await isLast()) throw error;
    }
  }
}

async function verifyOnce(
  directory: string,
  manifest: Manifest,
  hasDigests: boolean,
  onProgress: (progress: DumpProgress) => void,
): Promise<VerifiedDataContent> {
  const present = contentOf(manifest);
  const fault = present && (await faultOf(directory, present, onProgress));
  const differences: FastcacheError[] = [];
  let compared = 0;
  for (const content of hasDigests && fault === undefined ? allContents(manifest) : []) {
    const proof = new ContentProof((difference) => differences.push(difference));
    const stores = new ToolStores();
    const createStore = (shards: number) => stores.create(shards, proof.routing);
    await fold(directory, content, new KeySpaceFold({ createStore, proof }), onProgress);
    compared += proof.compared;
  }
  return { fault, differences, compared };
}

async function faultOf(
  directory: string,
  content: Content,
  onProgress: (progress: DumpProgress) => void,
): Promise<FastcacheError | undefined> {
  const positions = new KeySpaceFold({ createStore: (shards: number) => new WatermarkStore(shards) });
  try {
    await fold(directory, content, positions, onProgress);
    positions.finish();
    return undefined;
  } catch (error) {
    if (error instanceof FastcacheError && error.code !== 'OUT_OF_MEMORY') return error;
    throw error;
  }
}

async function fold<Store extends FoldStore>(
  directory: string,
  content: Content,
  into: KeySpaceFold<Store>,
  onProgress: (progress: DumpProgress) => void,
): Promise<void> {
  for (const file of filesOf(directory, content)) {
    try {
      for await (const frames of readDumpChunks(file)) {
        for (const frame of frames) into.take(frame, dumpName(file));
        const last = frames.at(-1);
        if (last !== undefined) onProgress({ stage: 'reading', source: file, bytes: last.offset });
      }
    } catch (error) {
      if (!isTear(error)) throw inDump(error, file, 0);
    }
  }
}

function isTear(error: unknown): boolean {
  if (!(error instanceof FastcacheError)) return false;
  return error.code === 'FCRP_TRUNCATED' || error.code === 'FCRP_SHORT_HEADER';
}
