/**
 * Faults of TLS in words that name the next step (docs/operations.md, "TLS"), from the codes that Node and
 * OpenSSL give: OpenSSL's own messages are for its developers.
 */
import type { ErrorCode } from '../errors.js';

/** The server's certificate leads to no authority that is trusted here. */
const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
  'INVALID_CA',
]);
/** The peer's bytes are not TLS. */
const PLAIN = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_HTTPS_PROXY_REQUEST',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
]);
/** The two ends have no version of TLS in common. */
const VERSIONS = new Set([
  'ERR_SSL_UNSUPPORTED_PROTOCOL',
  'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
  'ERR_SSL_VERSION_TOO_LOW',
]);
/** The server has sent an alert because it wants a certificate and was given none. */
const CERTIFICATE_WANTED = new Set([
  'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
  'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
]);
/** The server has sent an alert because it does not accept the certificate that it was given. */
const CERTIFICATE_REFUSED =
  /^ERR_SSL_(TLSV1_ALERT_UNKNOWN_CA|SSLV3_ALERT_(BAD_CERTIFICATE|CERTIFICATE_\w+))$/;

/** Returns the code of a failure to connect over TLS: TLS_FAILED where the other end was reached. */
export function connectFaultCode(error: Error): ErrorCode {
  const isOfTls = certificateFault(error) !== undefined || codeOf(error).startsWith('ERR_SSL_');
  return isOfTls ? 'TLS_FAILED' : 'PRIMARY_UNREACHABLE';
}

/** Returns why a connection to a server at `place` failed or broke, without a full stop. */
export function serverFault(error: Error, place: string): string {
  const code = codeOf(error);
  const ofCertificate = certificateFault(error);
  if (ofCertificate !== undefined) return ofCertificate;
  if (PLAIN.has(code))
    return `no TLS is spoken there; name its TLS port instead of ${place}, or leave out --tls`;
  if (VERSIONS.has(code)) return 'it speaks no TLS of version 1.2 or later';
  if (CERTIFICATE_WANTED.has(code))
    return `it wants a certificate, which --tls-cert and --tls-key give (${code})`;
  if (CERTIFICATE_REFUSED.test(code)) {
    return `it does not accept the certificate of --tls-cert (${code}); one is needed that its --tls-ca vouches for`;
  }
  return code.startsWith('ERR_SSL_') ? `the TLS connection failed (${code})` : error.message;
}

/** Returns what is wrong with a server's certificate; undefined when nothing is. */
function certificateFault(error: Error): string | undefined {
  const code = codeOf(error);
  if (UNTRUSTED.has(code)) {
    return `its certificate is of no authority that is trusted here (${code}); --tls-ca names the certificate of its authority`;
  }
  if (code === 'CERT_HAS_EXPIRED') return 'its certificate has expired, and is to be renewed there';
  if (code === 'CERT_NOT_YET_VALID') return 'its certificate is not valid yet; the clocks may differ';
  if (code !== 'ERR_TLS_CERT_ALTNAME_INVALID') return undefined;
  const { host, cert } = error as Error & { host?: string; cert?: { subjectaltname?: string } };
  const names = cert?.subjectaltname ?? 'no name';
  return `its certificate is not for ${host} but for ${names}; connect to such a name, or give it a certificate with this one`;
}

/** The fault of a client whose handshake has failed at a server. */
export interface HandshakeFault {
  /** The same for all faults of its kind, in words that follow the client's address. */
  readonly kind: string;
  /** The facts of this one fault. */
  readonly detail: string;
}

/**
 * Returns what was wrong with a client; undefined for one that just left. `refusedFor` is the code for which
 * its certificate was not accepted.
 */
export function clientFault(error: Error, refusedFor: string | undefined): HandshakeFault | undefined {
  const code = codeOf(error);
  if (refusedFor !== undefined) {
    return {
      kind: 'has a certificate that the authority of --tls-ca does not vouch for',
      detail: refusedFor,
    };
  }
  if (code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') {
    return { kind: 'presents no certificate, which --tls-ca asks for', detail: code };
  }
  if (PLAIN.has(code)) return { kind: 'speaks no TLS on a TLS port', detail: code };
  if (VERSIONS.has(code)) return { kind: 'speaks no TLS of version 1.2 or later', detail: code };
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return { kind: 'did not finish its TLS handshake', detail: code };
  if (CERTIFICATE_REFUSED.test(code)) {
    return { kind: 'does not trust the certificate of --tls-cert', detail: code };
  }
  return code.startsWith('ERR_SSL_') ? { kind: 'failed in its TLS handshake', detail: code } : undefined;
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}
