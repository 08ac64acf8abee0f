/**
 * The payload of a Messages frame (docs/protocol.md, "Messages"): messages that were published to channels,
 * one behind the other:
 *
 *     u8 0 (channel) or 1 (shard channel) | u32 channel length | u32 payload length | channel | payload
 */
import { FastcacheError } from '../errors.js';
import { PayloadReader } from './payload-reader.js';

/** A message that was published to a channel. */
export interface ChannelMessage {
  readonly channel: Buffer;
  readonly payload: Buffer;
  /** Whether it is for a shard channel, which has a namespace of its own. */
  readonly isSharded: boolean;
}

const HEAD_BYTES = 9;

/** Returns the bytes that a message takes in a payload. */
export function messageBytes({ channel, payload }: ChannelMessage): number {
  return HEAD_BYTES + channel.length + payload.length;
}

/** Encodes the payload of a frame. */
export function encodeMessages(messages: readonly ChannelMessage[]): Buffer {
  const bytes = Buffer.allocUnsafeSlow(messages.reduce((sum, message) => sum + messageBytes(message), 0));
  let at = 0;
  for (const { channel, payload, isSharded } of messages) {
    bytes[at] = isSharded ? 1 : 0;
    at = bytes.writeUInt32LE(channel.length, at + 1);
    at = bytes.writeUInt32LE(payload.length, at);
    at += channel.copy(bytes, at);
    at += payload.copy(bytes, at);
  }
  return bytes;
}

/**
 * Decodes a payload as it is walked; channels and payloads are views of it. Throws `FCRP_MESSAGE_SORT` and
 * `FCRP_FIELD_PAST_PAYLOAD`, with payload offsets.
 */
export function* decodeMessages(payload: Uint8Array): Generator<ChannelMessage> {
  const reader = new PayloadReader(payload);
  while (reader.remaining > 0) {
    const offset = reader.position;
    const sort = reader.u8('sort of the message');
    if (sort > 1) {
      throw new FastcacheError(
        'FCRP_MESSAGE_SORT',
        `The message is of the sort ${sort}; 0 (channel) and 1 (shard channel) are known.`,
        { offset, expected: '0 or 1', found: sort },
      );
    }
    const channelBytes = reader.u32('channel length');
    const payloadBytes = reader.u32('message length');
    const channel = reader.bytes(channelBytes, 'channel');
    yield { channel, payload: reader.bytes(payloadBytes, 'message'), isSharded: sort === 1 };
  }
}
