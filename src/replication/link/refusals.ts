/**
 * The texts of the Error frames that a primary sends before it closes (docs/protocol.md, "Conversation"), and
 * the errors that a replica makes from them.
 */
import type { ErrorCode } from '../../errors.js';
import { FastcacheError } from '../../errors.js';

/** The texts as they are sent. */
export const refusals = {
  notHello: 'expected Hello frame',
  version: 'unsupported FCRP version',
  token: 'invalid auth token',
  /** Sent by a fastcache primary; a Rust primary closes without an Error frame. */
  full: 'too many replicas',
  /** Sent by a fastcache relay, as the next one is. */
  loading: 'no content yet',
  behind: 'behind what you hold',
} as const;

/** A text of an Error frame. */
export type Refusal = (typeof refusals)[keyof typeof refusals];

const codes = new Map<string, ErrorCode>([
  [refusals.token, 'TOKEN_REFUSED'],
  [refusals.full, 'TOO_MANY_REPLICAS'],
  [refusals.loading, 'PRIMARY_LOADING'],
  [refusals.behind, 'PRIMARY_BEHIND'],
]);

/** The error for a primary's Error frame; `text` is the peer's and not escaped. */
export function refusalError(text: string, address: string): FastcacheError {
  return new FastcacheError(codes.get(text) ?? 'PRIMARY_REFUSED', `The primary refused: ${text}.`, {
    address,
    found: text,
  });
}
