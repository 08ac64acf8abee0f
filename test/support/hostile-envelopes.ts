/**
 * Hostile frames whose fault is in the header or in the zstd data around the payload (see hostile-frames.ts).
 */
import { type HostileFrame, hostile } from './hostile-frame.js';
import { bytesOf, rawFrame, u8, u32, u64, zstdData, zstdFrame, zstdSkippable } from './raw-frames.js';

const MUCH = 0xffff_ffff;
const LIMIT = 256 * 1024 * 1024;

const ackPayload = bytesOf(u32(1), u64(7n));
const ack = rawFrame({ kind: 6 }, ackPayload);

export const hostileEnvelopes: readonly HostileFrame[] = [
  hostile('header-short', 'FCRP_SHORT_HEADER', 0, 'ends after 10 of the 16 bytes', ack.subarray(0, 10)),
  hostile(
    'magic-lower-case',
    'FCRP_BAD_MAGIC',
    0,
    'magic `fcrp`',
    rawFrame({ kind: 6, magic: 'fcrp' }, ackPayload),
  ),
  hostile('magic-http', 'FCRP_BAD_MAGIC', 0, 'an HTTP request', Buffer.from('GET / HTTP/1.1\r\n\r\n')),
  hostile(
    'magic-third-byte',
    'FCRP_BAD_MAGIC',
    0,
    'three bytes, the last wrong: known before the header is whole',
    Buffer.from('FCX'),
  ),
  hostile(
    'version-0',
    'FCRP_UNSUPPORTED_VERSION',
    4,
    'version 0',
    rawFrame({ kind: 6, version: 0 }, ackPayload),
  ),
  hostile(
    'version-2',
    'FCRP_UNSUPPORTED_VERSION',
    4,
    'version 2',
    rawFrame({ kind: 6, version: 2 }, ackPayload),
  ),
  hostile('kind-0', 'FCRP_UNKNOWN_KIND', 5, 'kind 0', rawFrame({ kind: 0 }, ackPayload)),
  hostile('kind-255', 'FCRP_UNKNOWN_KIND', 5, 'kind 255', rawFrame({ kind: 255 }, ackPayload)),
  hostile('flag-bit-1', 'FCRP_UNKNOWN_FLAG', 6, 'flags 2', rawFrame({ kind: 6, flags: 2 }, ackPayload)),
  hostile(
    'flag-bit-7',
    'FCRP_UNKNOWN_FLAG',
    6,
    'flags 0x81: compressed and an unknown bit',
    rawFrame({ kind: 6, flags: 0x81 }, ackPayload),
  ),
  hostile(
    'reserved-1',
    'FCRP_RESERVED_NOT_ZERO',
    7,
    'reserved byte 1',
    rawFrame({ kind: 6, reserved: 1 }, ackPayload),
  ),
  hostile(
    'length-over-limit',
    'FCRP_LENGTH_OVER_LIMIT',
    8,
    'announces 256 MiB and a byte',
    rawFrame({ kind: 5, payloadBytes: LIMIT + 1, uncompressedBytes: LIMIT + 1 }),
  ),
  hostile(
    'uncompressed-over-limit',
    'FCRP_LENGTH_OVER_LIMIT',
    12,
    'a compressed frame that announces 2^32-1 bytes uncompressed',
    zstdFrame(5, MUCH, zstdData(u32(0))),
  ),
  hostile(
    'lengths-differ',
    'FCRP_LENGTHS_DIFFER',
    12,
    'not compressed, lengths 12 and 13',
    rawFrame({ kind: 6, uncompressedBytes: 13 }, ackPayload),
  ),
  hostile('payload-cut', 'FCRP_TRUNCATED', 0, 'ends a byte before its payload does', ack.subarray(0, -1)),
  hostile(
    'payload-missing',
    'FCRP_TRUNCATED',
    0,
    'announces 256 MiB and brings nothing',
    rawFrame({ kind: 5, payloadBytes: LIMIT, uncompressedBytes: LIMIT }),
  ),
  hostile(
    'zstd-none',
    'FCRP_ZSTD_NO_FRAME',
    0,
    'compressed, with an empty payload',
    zstdFrame(6, 0, Buffer.alloc(0)),
  ),
  hostile(
    'zstd-skippable-only',
    'FCRP_ZSTD_NO_FRAME',
    0,
    'a skippable frame and no data frame',
    zstdFrame(6, 0, zstdSkippable('nothing')),
  ),
  hostile(
    'zstd-garbage',
    'FCRP_ZSTD_CORRUPT',
    0,
    'the compressed flag on plain bytes',
    zstdFrame(6, 12, ackPayload),
  ),
  hostile(
    'zstd-cut',
    'FCRP_ZSTD_CORRUPT',
    0,
    'a data frame without its last byte',
    zstdFrame(6, 12, zstdData(ackPayload).subarray(0, -1)),
  ),
  hostile(
    'zstd-three-bytes',
    'FCRP_ZSTD_CORRUPT',
    0,
    'three bytes of a data frame',
    zstdFrame(6, 12, zstdData(ackPayload).subarray(0, 3)),
  ),
  hostile(
    'zstd-bytes-behind',
    'FCRP_ZSTD_CORRUPT',
    0,
    'a data frame and three bytes',
    zstdFrame(6, 12, bytesOf(zstdData(ackPayload), 'abc')),
  ),
  hostile(
    'zstd-skippable-too-long',
    'FCRP_ZSTD_CORRUPT',
    0,
    'a skippable frame behind the data that states 2^32-1 bytes',
    zstdFrame(6, 12, bytesOf(zstdData(ackPayload), zstdSkippable('', 0x184d2a50, MUCH))),
  ),
  hostile(
    'zstd-skippable-cut',
    'FCRP_ZSTD_CORRUPT',
    0,
    'a skippable frame behind the data without its whole size',
    zstdFrame(6, 12, bytesOf(zstdData(ackPayload), u32(0x184d2a5f), 'ab')),
  ),
  hostile(
    'zstd-reserved-block',
    'FCRP_ZSTD_CORRUPT',
    0,
    'a data frame whose block is of the reserved type',
    zstdFrame(6, 12, bytesOf(zstdData(ackPayload).subarray(0, 6), u8(0x67), u8(0), u8(0), ackPayload)),
  ),
  hostile(
    'zstd-two-frames',
    'FCRP_ZSTD_SECOND_FRAME',
    0,
    'two data frames that together hold what is announced',
    zstdFrame(6, 12, bytesOf(zstdData(ackPayload.subarray(0, 4)), zstdData(ackPayload.subarray(4)))),
  ),
  hostile(
    'zstd-states-less',
    'FCRP_ZSTD_LENGTH_DIFFERS',
    0,
    'announces 13 bytes, the data state and hold 12',
    zstdFrame(6, 13, zstdData(ackPayload)),
  ),
  hostile(
    'zstd-states-more',
    'FCRP_ZSTD_LENGTH_DIFFERS',
    0,
    'announces 11 bytes, the data state and hold 12',
    zstdFrame(6, 11, zstdData(ackPayload)),
  ),
  hostile(
    'zstd-unstated-less',
    'FCRP_ZSTD_LENGTH_DIFFERS',
    0,
    'announces 13 bytes, the data state no size and hold 12',
    zstdFrame(6, 13, zstdData(ackPayload, null)),
  ),
  hostile(
    'zstd-unstated-more',
    'FCRP_ZSTD_LENGTH_DIFFERS',
    0,
    'announces 11 bytes, the data state no size and hold 12',
    zstdFrame(6, 11, zstdData(ackPayload, null)),
  ),
  {
    ...hostile(
      'byte-behind',
      'FCRP_LENGTH_MISMATCH',
      8,
      'one frame and a byte behind it (to a reader of one frame)',
      bytesOf(ack, u8(0)),
    ),
    refusedBy: 'frame',
  },
];
