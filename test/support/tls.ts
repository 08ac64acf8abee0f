/** The certificates of fixtures/tls. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsPem } from '../../src/transport/tls.js';
import { repositoryRoot } from './processes.js';

/** The path of `name.crt` or `name.key`. */
export function tlsFile(name: string): string {
  return join(repositoryRoot, 'fixtures/tls', name);
}

/** The certificate `cert` with its key, and the authority `ca`; a part that is undefined is not given. */
export function pemOf(cert: string | undefined, ca: string | undefined): TlsPem {
  const read = (name: string) => readFileSync(tlsFile(name));
  return {
    cert: cert === undefined ? undefined : read(`${cert}.crt`),
    key: cert === undefined ? undefined : read(`${cert}.key`),
    ca: ca === undefined ? undefined : read(`${ca}.crt`),
  };
}
