/** Why a server cannot listen, as the error that a command ends with. */
import { FastcacheError } from '../errors.js';
import { formatAddress } from './address.js';
import type { Address } from './connection.js';

/** `PORT_TAKEN` or `LISTEN_FAILED`, for what `listen` of a server failed with. */
export function listenError(address: Address, cause: unknown): FastcacheError {
  const place = formatAddress(address);
  if (cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE') {
    return new FastcacheError('PORT_TAKEN', `Another process listens on ${place} already.`, {
      address: place,
      cause,
    });
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new FastcacheError('LISTEN_FAILED', `Cannot listen on ${place}: ${reason}.`, {
    address: place,
    cause,
  });
}
