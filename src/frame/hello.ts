/**
 * Hello, the first frame in either direction (docs/protocol.md, "Hello" and "Conversation"):
 *
 *     u8 version | u8 role | u32 token length, token | u8 has-watermarks | if 1: u32 count, count x u64
 *
 * and the margin that every Hello of fastcache's carries (margin.ts).
 */
import { FastcacheError } from '../errors.js';
import { FRAME_HEADER_BYTES } from '../limits.js';
import { skippableContent } from './compression.js';
import { encodeStoredFrame, openPayload } from './frame.js';
import { DEFAULT_FRAME_VERSION, type FrameHeader } from './header.js';
import { FrameKind } from './kinds.js';
import { decodeMargin, encodeMargin, type Margin } from './margin.js';
import { PayloadReader } from './payload-reader.js';
import { readWatermarks, type WatermarkList, watermarksBytes, writeWatermarks } from './watermarks.js';

const roleBytes = { replica: 1, 'service-subscriber': 2 } as const;

/** The role of the peer that sends the Hello; a replica of fastcache's is a `replica`. */
export type HelloRole = keyof typeof roleBytes;

/** A Hello to be encoded. */
export interface Hello {
  /** The version; `DEFAULT_FRAME_VERSION` when absent from what is encoded. */
  version?: number;
  role: HelloRole;
  /** The token; undefined: none. An empty one is the same on the wire. */
  token?: string | undefined;
  /** The watermarks that are claimed; undefined: nothing is. */
  watermarks?: ArrayLike<bigint> | undefined;
}

/** A Hello as it was read; each field as `Hello` has it. */
export interface DecodedHello {
  version: number;
  role: HelloRole;
  token: string | undefined;
  watermarks: WatermarkList | undefined;
}

/** Encodes a Hello payload. */
export function encodeHello(hello: Hello): Buffer {
  const token = Buffer.from(hello.token ?? '');
  const listBytes = hello.watermarks === undefined ? 0 : watermarksBytes(hello.watermarks);
  const payload = Buffer.allocUnsafeSlow(7 + token.length + listBytes);
  payload[0] = hello.version ?? DEFAULT_FRAME_VERSION;
  payload[1] = roleBytes[hello.role];
  const tokenStart = payload.writeUInt32LE(token.length, 2);
  payload.set(token, tokenStart);
  const flag = tokenStart + token.length;
  payload[flag] = hello.watermarks === undefined ? 0 : 1;
  if (hello.watermarks !== undefined) writeWatermarks(payload, flag + 1, hello.watermarks);
  return payload;
}

/**
 * Decodes a Hello payload; `version` is the connection's. Throws `FCRP_HELLO_*` and the codes of every
 * payload, with payload offsets.
 */
export function decodeHello(payload: Uint8Array, version: number = DEFAULT_FRAME_VERSION): DecodedHello {
  const reader = new PayloadReader(payload);
  const spoken = reader.u8('Hello version');
  if (spoken !== version) {
    throw new FastcacheError(
      'FCRP_HELLO_VERSION',
      `The Hello is of FCRP version ${spoken}; version ${version} is spoken here.`,
      { offset: 0, expected: version, found: spoken },
    );
  }
  const role = readRole(reader);
  const tokenBytes = reader.u32('token length');
  const token = tokenBytes === 0 ? undefined : reader.text(tokenBytes, 'token');
  const watermarks = readHasWatermarks(reader) ? readWatermarks(reader) : undefined;
  reader.finish();
  return { version: spoken, role, token, watermarks };
}

/** The options with which a Hello frame is encoded. */
export interface HelloFrameOptions {
  /**
   * The pairs of the margin; an empty map still says `fastcache/1`. Undefined: no margin, as a Rust peer's.
   */
  margin?: Margin | undefined;
}

/**
 * Encodes a whole Hello frame with its margin, which needs no library; the frame's version is the Hello's.
 * Throws as `encodeMargin` does.
 */
export function encodeHelloFrame(hello: Hello, options: HelloFrameOptions = {}): Buffer {
  const margin = options.margin === undefined ? undefined : encodeMargin(options.margin);
  const version = hello.version ?? DEFAULT_FRAME_VERSION;
  return encodeStoredFrame(FrameKind.Hello, encodeHello(hello), version, margin);
}

/** A Hello frame as it was read. */
export interface DecodedHelloFrame {
  hello: DecodedHello;
  /** The margin's pairs; undefined: the peer is not fastcache's. */
  margin: Margin | undefined;
}

/**
 * Decodes the payload of a Hello frame as it came, compressed or not. Throws `FCRP_*`; offsets count from the
 * frame's start, and are 16 (where the payload begins) for what is wrong inside a compressed one.
 */
export function decodeHelloFrame(header: FrameHeader, wirePayload: Uint8Array): DecodedHelloFrame {
  try {
    const payload = openPayload(header, wirePayload);
    const content = header.compressed ? skippableContent(wirePayload) : undefined;
    return {
      hello: decodeHello(payload, header.version),
      margin: content === undefined ? undefined : decodeMargin(content),
    };
  } catch (error) {
    if (!(error instanceof FastcacheError)) throw error;
    throw header.compressed ? error.placedAt(FRAME_HEADER_BYTES) : error.at(FRAME_HEADER_BYTES);
  }
}

function readRole(reader: PayloadReader): HelloRole {
  const offset = reader.position;
  const byte = reader.u8('Hello role');
  if (byte === roleBytes.replica) return 'replica';
  if (byte === roleBytes['service-subscriber']) return 'service-subscriber';
  throw new FastcacheError(
    'FCRP_HELLO_ROLE',
    `The Hello's role is ${byte}; 1 (replica) and 2 (service subscriber) are known.`,
    { offset, expected: '1 or 2', found: byte },
  );
}

function readHasWatermarks(reader: PayloadReader): boolean {
  const offset = reader.position;
  const byte = reader.u8('has-watermarks byte');
  if (byte <= 1) return byte === 1;
  throw new FastcacheError(
    'FCRP_HELLO_WATERMARKS_BYTE',
    `The Hello's has-watermarks byte is ${byte}; it must be 0 or 1.`,
    { offset, expected: '0 or 1', found: byte },
  );
}
