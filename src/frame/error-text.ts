/** The payload of an Error frame (docs/protocol.md, "Error"): u32 length, UTF-8 message. */
import { PayloadReader } from './payload-reader.js';

/** Encodes a payload. */
export function encodeErrorText(message: string): Buffer {
  const textBytes = Buffer.byteLength(message);
  const payload = Buffer.allocUnsafeSlow(4 + textBytes);
  payload.write(message, payload.writeUInt32LE(textBytes));
  return payload;
}

/**
 * Returns the message of a payload. Throws `FCRP_*` with payload offsets. The text is the peer's: escape it
 * before it reaches a terminal.
 */
export function decodeErrorText(payload: Uint8Array): string {
  const reader = new PayloadReader(payload);
  const message = reader.text(reader.u32('length of the error text'), 'error text');
  reader.finish();
  return message;
}
