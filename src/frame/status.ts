/**
 * The payload of a Status frame (docs/protocol.md, "Status"): empty when it asks, else one msgpack map. It is
 * read here and not by msgpackr, which allocates what a length announces: every count is checked against the
 * bytes that remain, nesting is bounded, and there is nothing but nil, booleans, numbers, texts, arrays and
 * maps.
 */
import { FastcacheError } from '../errors.js';
import { STATUS_MAX_BYTES } from '../limits.js';
import { PayloadReader } from './payload-reader.js';

/**
 * One value of a document: integers of 64 bits are bigints whatever their size, all other numbers are
 * numbers.
 */
export type StatusValue = null | boolean | number | bigint | string | StatusValue[] | StatusMap;

/** A map without a prototype, so that no key means anything. */
export interface StatusMap {
  [key: string]: StatusValue;
}

/** The payload of a question for a brief document: the map of the one pair `brief`, true. */
export const BRIEF_QUESTION: Uint8Array = Buffer.concat([
  Buffer.of(0x81, 0xa5),
  Buffer.from('brief'),
  Buffer.of(0xc3),
]);

const MAX_DEPTH = 8;
/** The most maps and lists of a document: each takes a hundred times the byte that announces it. */
const MAX_CONTAINERS = 32_768;
const TEXT = 'text in the Status document';
const NUMBER = 'number in the Status document';

/** Reads a document's bytes, and counts its maps and lists. */
class DocumentReader extends PayloadReader {
  #containers = 0;

  /** Counts another one, behind which `count` elements of at least `elementBytes` must be. */
  open(count: number, elementBytes: number, what: string, offset: number): void {
    this.#containers += 1;
    if (this.#containers > MAX_CONTAINERS) {
      throw malformed(`The Status document has more than ${MAX_CONTAINERS} maps and lists.`, offset);
    }
    this.checkCount(count, elementBytes, `length of a ${what} in the Status document`, offset);
  }
}

/**
 * Returns the document, or undefined when the frame asks for one. Throws `FCRP_STATUS_MALFORMED`,
 * `FCRP_LENGTH_OVER_LIMIT` and the codes of every payload, with payload offsets.
 */
export function decodeStatus(payload: Uint8Array): StatusMap | undefined {
  if (payload.length === 0) return undefined;
  if (payload.length > STATUS_MAX_BYTES) {
    throw new FastcacheError(
      'FCRP_LENGTH_OVER_LIMIT',
      `The Status document has ${payload.length} bytes; at most ${STATUS_MAX_BYTES} are allowed.`,
      { offset: 0, expected: STATUS_MAX_BYTES, found: payload.length },
    );
  }
  const reader = new DocumentReader(payload);
  const document = readValue(reader, 0);
  reader.finish();
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw malformed('The Status document is not a map.', 0);
  }
  return document;
}

function readValue(reader: DocumentReader, depth: number): StatusValue {
  const offset = reader.position;
  if (depth > MAX_DEPTH) throw malformed(`The Status document nests deeper than ${MAX_DEPTH}.`, offset);
  const type = reader.u8('type of a Status value');
  if (type < 0x80) return type;
  if (type < 0x90) return readMap(reader, type & 0x0f, depth, offset);
  if (type < 0xa0) return readArray(reader, type & 0x0f, depth, offset);
  if (type < 0xc0) return reader.text(type & 0x1f, TEXT);
  if (type >= 0xe0) return type - 0x100;
  switch (type) {
    case 0xc0:
      return null;
    case 0xc2:
      return false;
    case 0xc3:
      return true;
    case 0xca:
      return reader.bytes(4, NUMBER).readFloatBE();
    case 0xcb:
      return reader.bytes(8, NUMBER).readDoubleBE();
    case 0xcf:
      return reader.bytes(8, NUMBER).readBigUInt64BE();
    case 0xd0:
    case 0xd1:
    case 0xd2: {
      const bytes = 2 ** (type - 0xd0);
      return reader.bytes(bytes, NUMBER).readIntBE(0, bytes);
    }
    case 0xd3:
      return reader.bytes(8, NUMBER).readBigInt64BE();
    case 0xcc:
    case 0xcd:
    case 0xce:
      return readUint(reader, 2 ** (type - 0xcc));
    case 0xd9:
    case 0xda:
    case 0xdb:
      return reader.text(readUint(reader, 2 ** (type - 0xd9)), TEXT);
    case 0xdc:
    case 0xdd:
      return readArray(reader, readUint(reader, 2 ** (type - 0xdb)), depth, offset);
    case 0xde:
    case 0xdf:
      return readMap(reader, readUint(reader, 2 ** (type - 0xdd)), depth, offset);
    default:
      throw malformed(`A Status document has no values of the msgpack type 0x${type.toString(16)}.`, offset);
  }
}

function readUint(reader: DocumentReader, bytes: number): number {
  return reader.bytes(bytes, NUMBER).readUIntBE(0, bytes);
}

function readArray(reader: DocumentReader, count: number, depth: number, offset: number): StatusValue[] {
  reader.open(count, 1, 'list', offset);
  const list: StatusValue[] = [];
  for (let index = 0; index < count; index += 1) list.push(readValue(reader, depth + 1));
  return list;
}

function readMap(reader: DocumentReader, count: number, depth: number, offset: number): StatusMap {
  reader.open(count, 2, 'map', offset);
  const map: StatusMap = Object.create(null);
  for (let index = 0; index < count; index += 1) {
    const at = reader.position;
    const key = readValue(reader, depth + 1);
    if (typeof key !== 'string' || key in map) {
      throw malformed('A map of the Status document has a key that is no text, or one twice.', at);
    }
    map[key] = readValue(reader, depth + 1);
  }
  return map;
}

function malformed(message: string, offset: number): FastcacheError {
  return new FastcacheError('FCRP_STATUS_MALFORMED', message, { offset });
}
