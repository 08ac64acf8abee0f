/** SIGHUP has a server read its certificates anew (docs/operations.md, "TLS"). */

/** A server with certificates. */
export interface CertifiedServer {
  reloadCertificates(): void;
}

/** Handles the signal from now on, where the flags ask for TLS; elsewhere it ends the process, as ever. */
export function reloadOnSignal(flags: Readonly<Record<string, unknown>>, server: CertifiedServer): void {
  if (flags.tls !== true && flags['tls-cert'] === undefined) return;
  process.on('SIGHUP', () => server.reloadCertificates());
}
