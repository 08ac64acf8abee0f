/**
 * SIGHUP has a server read its certificates anew (docs/operations.md, "TLS"), where it has any and its
 * terminal has not gone; otherwise it ends the server, as SIGTERM does.
 */
import { closeSync, openSync } from 'node:fs';

/** A server with certificates. */
export interface CertifiedServer {
  reloadCertificates(): void;
}

/** Decides what a SIGHUP is for. */
export class ReloadSignal {
  readonly #hadTerminal = hasTerminal();
  #server: CertifiedServer | undefined;

  /** From now on the server is meant that was started with these flags. */
  isFor(flags: Readonly<Record<string, unknown>>, server: CertifiedServer): void {
    if (flags.tls === true || flags['tls-cert'] !== undefined) this.#server = server;
  }

  /** Takes a SIGHUP. Returns false when it is to end the server. */
  take(): boolean {
    if (this.#server === undefined || (this.#hadTerminal && !hasTerminal())) return false;
    this.#server.reloadCertificates();
    return true;
  }
}

/** Whether the process has a controlling terminal, which sends SIGHUP when it goes. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
