/** What a primary says in an Error frame before it closes (fcrp-v1.md, "Conversation"), and what a replica makes of it. */
import type { ErrorCode } from '../../errors.js';
import { FastcacheError } from '../../errors.js';

export const refusals = {
  notHello: 'expected Hello frame',
  version: 'unsupported FCRP version',
  token: 'invalid auth token',
  /** Ours; the crate closes without a word. */
  full: 'too many replicas',
  /** Ours, of a relay. */
  loading: 'no content yet',
  behind: 'behind what you hold',
} as const;

export type Refusal = (typeof refusals)[keyof typeof refusals];

const codes = new Map<string, ErrorCode>([
  [refusals.token, 'TOKEN_REFUSED'],
  [refusals.full, 'TOO_MANY_REPLICAS'],
  [refusals.loading, 'PRIMARY_LOADING'],
  [refusals.behind, 'PRIMARY_BEHIND'],
]);

/** The error for a primary's Error frame; its text is the peer's and raw. */
export function refusalError(text: string, address: string): FastcacheError {
  return new FastcacheError(codes.get(text) ?? 'PRIMARY_REFUSED', `The primary refused: ${text}.`, {
    address,
    found: text,
  });
}
