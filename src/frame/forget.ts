/**
 * The question in a Status frame by which a fastcache node is asked to list a departed replica no longer, and
 * its answer (docs/protocol.md, "Status"): msgpack maps of one pair each.
 */
import { FastcacheError } from '../errors.js';
import { decodeStatus, type StatusMap } from './status.js';

/** Bytes of a question at most: `gone`, or an address. */
export const FORGET_MAX_BYTES = 512;

const MAP_OF_ONE = 0x81;
const TEXT = 0xa0;
const TEXT_16 = 0xda;
const UINT_32 = 0xce;
const QUESTION = 'forget';
const ANSWER = 'forgotten';

/**
 * Encodes the question: `which` is `gone` for all that have left, or the name or address of one as it is
 * listed.
 */
export function encodeForget(which: string): Buffer {
  const text = Buffer.from(which);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(text.length);
  return Buffer.concat([pairHead(QUESTION), Buffer.of(TEXT_16), length, text]);
}

/** Decodes the payload of a question. Throws `FCRP_STATUS_MALFORMED` and what `decodeStatus` throws. */
export function decodeForget(payload: Uint8Array): string {
  const which = onlyPair(payload, QUESTION);
  return typeof which === 'string' ? which : refuse(QUESTION, 'a text');
}

/** Encodes the answer: how many replicas are listed no longer. */
export function encodeForgotten(count: number): Buffer {
  const number = Buffer.alloc(4);
  number.writeUInt32BE(count);
  return Buffer.concat([pairHead(ANSWER), Buffer.of(UINT_32), number]);
}

/** Decodes the payload of an answer. Throws `FCRP_STATUS_MALFORMED` and what `decodeStatus` throws. */
export function decodeForgotten(payload: Uint8Array): number {
  const count = onlyPair(payload, ANSWER);
  return typeof count === 'number' ? count : refuse(ANSWER, 'a number');
}

function pairHead(name: string): Buffer {
  return Buffer.concat([Buffer.of(MAP_OF_ONE, TEXT | name.length), Buffer.from(name)]);
}

function onlyPair(payload: Uint8Array, name: string): StatusMap[string] | undefined {
  const map = decodeStatus(payload);
  return map === undefined || Object.keys(map).join() !== name ? undefined : map[name];
}

function refuse(name: string, expected: string): never {
  const message = `A Status frame that is to have the pair \`${name}\` alone has other content.`;
  throw new FastcacheError('FCRP_STATUS_MALFORMED', message, { offset: 0, expected: `${name}, ${expected}` });
}
