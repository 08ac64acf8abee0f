/** Decodes a dump frame by frame. */
import { MAX_FRAME_PAYLOAD_BYTES } from '../../limits.js';
import { type DumpSource, inDump, type ReadingOptions, readDumpChunks } from './dump-reader.js';
import { type OpenedFrame, openFrame } from './frame-content.js';

/** The options of `decodeDump`. */
export interface DecodeDumpOptions extends ReadingOptions {
  /** The most that a frame may announce, compressed or not; 256 MiB when absent. */
  maxPayloadBytes?: number | undefined;
}

/**
 * Yields the frames of a dump in order, each decompressed and decoded; its records or entries are decoded as
 * they are walked. A frame and all of its bytes are valid until the next one is requested. Throws, behind the
 * last sound frame and with the byte offset, `FCRP_*` for damage and for an end inside a frame, `NO_INPUT`
 * and `READ_FAILED`.
 *
 * ```js
 * for await (const { kind, content } of decodeDump('dump.fcrp')) {
 *   if (content.type === 'batch') for (const { op, key } of content.items) console.log(op, `${key}`);
 *   else console.log(kind);
 * }
 * ```
 */
export async function* decodeDump(
  source: DumpSource,
  { maxPayloadBytes = MAX_FRAME_PAYLOAD_BYTES, signal, onProgress }: DecodeDumpOptions = {},
): AsyncGenerator<OpenedFrame, void, void> {
  for await (const frames of readDumpChunks(source, { maxPayloadBytes, signal })) {
    let bytes = 0;
    for (const frame of frames) {
      yield placed(() => openFrame(frame), source);
      bytes = frame.offset + frame.bytes.length;
    }
    if (bytes > 0) onProgress?.({ stage: 'reading', source, bytes });
  }
}

function placed<T>(open: () => T, source: DumpSource): T {
  try {
    return open();
  } catch (error) {
    throw inDump(error, source, 0);
  }
}
