/** Where a segment begins, as its Hello says. */

import { decodeHeader } from '../frame/header.js';
import { decodeHelloFrame } from '../frame/hello.js';
import { FRAME_HEADER_BYTES, HELLO_MAX_BYTES } from '../limits.js';
import { type History, readHistory } from '../replication/history.js';
import type { DataFiles } from './data-files.js';
import { segmentName } from './manifest.js';

/** The beginning of a segment. */
export interface SegmentBeginning {
  readonly history: History;
  readonly watermarks: ArrayLike<bigint>;
}

/** A fault in a segment, which will be there when it is read again. */
export class SegmentFault extends Error {}

/** Reads the Hello of a segment. Rejects with a `SegmentFault` when there is none that names a history. */
export function readBeginning(files: DataFiles, number: number): Promise<SegmentBeginning> {
  return beginningOf(files, segmentName(number));
}

/** Reads the Hello of a segment or a base, as `readBeginning`. */
export async function beginningOf(files: DataFiles, name: string): Promise<SegmentBeginning> {
  const bytes = await files.read(name, FRAME_HEADER_BYTES + HELLO_MAX_BYTES);
  if (bytes === undefined) throw new SegmentFault(`${name} is missing`);
  try {
    const header = decodeHeader(bytes);
    const payload = bytes.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + header.payloadBytes);
    const { hello, margin } = decodeHelloFrame(header, payload);
    const history = readHistory(margin);
    if (history !== undefined) return { history, watermarks: hello.watermarks ?? [] };
  } catch (cause) {
    throw new SegmentFault(`${name} cannot be read: ${(cause as Error).message}`, { cause });
  }
  throw new SegmentFault(`${name} names no history`);
}
