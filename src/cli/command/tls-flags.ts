/** The flags by which a tool connects by TLS (docs/operations.md, "TLS"), and their transport. */
import * as Flags from '@oclif/core/flags';
import { readPemFile } from '../../files/pem-file.js';
import type { Transport } from '../../transport/connection.js';
import { fileFlag } from './flags.js';
import { UsageError } from './values.js';

/** The flags of every tool that connects to servers. */
export const tlsFlags = {
  tls: Flags.boolean({ summary: 'Connect by TLS.', default: false }),
  'tls-ca': fileFlag('The authorities to trust, in PEM; those that Node knows when none are given.'),
  'tls-cert': fileFlag('The certificate to present to a server that asks for one, in PEM.'),
  'tls-key': fileFlag('Its private key, in PEM and not encrypted.'),
};

/** The values of the flags. */
export interface TlsFlags {
  tls: boolean;
  'tls-ca'?: string | undefined;
  'tls-cert'?: string | undefined;
  'tls-key'?: string | undefined;
}

/**
 * Returns the transport of TLS that the flags ask for, or `plain`. Throws NO_INPUT, TLS_UNUSABLE, and a
 * `UsageError` for a certificate without its key or the other way round.
 */
export async function transportOf(flags: TlsFlags, plain: Transport): Promise<Transport> {
  if (!flags.tls) return plain;
  const { 'tls-ca': ca, 'tls-cert': cert, 'tls-key': key } = flags;
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError('--tls-cert and --tls-key belong together');
  }
  const read = (file: string | undefined) => (file === undefined ? undefined : readPemFile(file).bytes);
  const { Tls } = await import('../../transport/tls.js');
  return new Tls({ cert: read(cert), key: read(key), ca: read(ca) }, false);
}
