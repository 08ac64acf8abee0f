/**
 * Asks any FCRP address, ours or the crate's, where it stands (design.md, "Status"): its Hello's answer, and nothing
 * after it, for who claims to have everything is sent nothing.
 */
import type { Timers } from '../clock.js';
import { encodeHelloFrame } from '../frame/hello.js';
import type { Margin } from '../frame/margin.js';
import { MAX_SHARDS } from '../limits.js';
import type { Address, Transport } from '../transport/connection.js';
import { Conversation, type PrimaryAnswer } from './conversation.js';
import { PROBE_WATERMARK } from './watermarks.js';

export interface ProbeOptions {
  transport: Transport;
  timers: Timers;
  connectTimeoutMs: number;
  token?: string | undefined;
}

/** The shard count is not known before the answer, so all are claimed that there could be. */
const CLAIM_ALL = new BigUint64Array(MAX_SHARDS).fill(PROBE_WATERMARK);
const NO_PAIRS: Margin = new Map();

/** Rejects with what `ConversationHandlers.ended` lists: `PRIMARY_UNREACHABLE`, `TOKEN_REFUSED`, … */
export function probePrimary(address: Address, options: ProbeOptions): Promise<PrimaryAnswer> {
  const { transport, timers, connectTimeoutMs, token } = options;
  const hello = encodeHelloFrame({ role: 'replica', token, watermarks: CLAIM_ALL }, { margin: NO_PAIRS });
  return new Promise((resolve, reject) => {
    const conversation = new Conversation(
      { transport, timers, address, connectTimeoutMs, hello },
      {
        connected() {},
        answered(answer) {
          conversation.close();
          resolve(answer);
        },
        frame() {},
        ended: reject,
      },
    );
    conversation.start();
  });
}
