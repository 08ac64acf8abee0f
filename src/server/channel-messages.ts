/** Messages of channels on their way through a node (docs/protocol.md, "Messages"). */
import { type ChannelMessage, decodeMessages, messageBytes } from '../frame/messages.js';
import { keptBytes, type SplitFrame } from '../frame/splitter.js';
import { MESSAGES_MAX_BYTES } from '../limits.js';
import type { ReplicaListener } from '../replication/primary/listener.js';
import { Failure } from '../resp/reply.js';
import type { RespServer } from '../resp/server.js';
import type { SentinelHandover } from './sentinel-handover.js';

/** The answer to a message that no frame has room for. */
const MESSAGE_TOO_LONG = new Failure(`ERR the message has more than ${MESSAGES_MAX_BYTES} bytes`);

/** The node as a place of messages. */
export interface MessageNode {
  readonly failover: { readonly sentinels: Pick<SentinelHandover, 'heard'> };
  readonly isReplica: boolean;
  readonly listener: ReplicaListener | undefined;
}

/** Sends a client's message to replicas' subscribers; a replica sends none. Returns why it cannot be sent. */
export function sendMessage(
  { isReplica, listener, failover }: MessageNode,
  message: ChannelMessage,
): Failure | undefined {
  if (messageBytes(message) > MESSAGES_MAX_BYTES) return MESSAGE_TOO_LONG;
  failover.sentinels.heard(message);
  if (!isReplica) listener?.sendMessage(message);
  return undefined;
}

/** Hands messages of the primary that is followed to the subscribers at `server`, and to replicas. */
export function handOnMessages(
  payload: Uint8Array,
  frame: SplitFrame,
  server: RespServer | undefined,
  { listener }: Pick<MessageNode, 'listener'>,
): void {
  for (const message of decodeMessages(payload)) server?.deliver(message);
  listener?.relayMessages(keptBytes(frame));
}
