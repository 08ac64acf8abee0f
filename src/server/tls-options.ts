/** The rows of the options of TLS (options.ts; docs/operations.md, "TLS"). */
import { address, boolean, file } from './option.js';

const ALL = ['primary', 'replica', 'server'] as const;

/** Each option by its name in the library. */
export const tlsOptions = {
  /**
   * Where clients connect by TLS, beside `listen` or, with `listen: false`, in its stead: `host:port`, port 0
   * picks a free one; default none.
   */
  listenTls: address({
    on: ALL,
    flag: 'listen-tls',
    summary:
      'Where clients connect by TLS, beside --listen, or alone with --no-listen; port 0 picks a free one.',
    neededBy: [],
    config: { names: ['tls-port'], change: 'fixed' },
  }),
  /** A file with the certificate that is presented, and those between it and its authority, in PEM. */
  tlsCert: file({
    on: ALL,
    flag: 'tls-cert',
    summary: 'The certificate to present, in PEM, with those between it and its authority.',
    isWritten: false,
    config: { names: ['tls-cert-file'], change: 'settable' },
  }),
  /** A file with the private key of `tlsCert`, in PEM and not encrypted. */
  tlsKey: file({
    on: ALL,
    flag: 'tls-key',
    summary: 'Its private key, in PEM and not encrypted.',
    isWritten: false,
    config: { names: ['tls-key-file'], change: 'settable' },
  }),
  /**
   * A file with the authorities that are trusted, in PEM; default: those that Node knows. A client of a TLS
   * port must then present a certificate that they have signed, unless `asksClientCertificates` is false.
   */
  tlsCa: file({
    on: ALL,
    flag: 'tls-ca',
    summary: 'The authorities to trust, in PEM; clients must then present a certificate of theirs.',
    isWritten: false,
    config: { names: ['tls-ca-cert-file'], change: 'settable' },
  }),
  /** Whether clients must present a certificate where `tlsCa` is given; default true. */
  asksClientCertificates: boolean({
    on: ALL,
    flag: 'no-tls-auth-clients',
    isFlagNegative: true,
    summary:
      'With --tls-ca: clients need no certificate, and the authorities count for outgoing links alone.',
    default: true,
  }),
  /** Whether replication is by TLS: links to other servers, and the port of `bind`; default false. */
  tls: boolean({
    on: ALL,
    flag: 'tls',
    summary: 'Connect to other servers by TLS; the port of --bind is one of TLS then as well.',
    default: false,
    config: { names: ['tls-replication'], change: 'fixed' },
  }),
  /** Whether the port of `metrics` is one of HTTPS; default false. */
  metricsTls: boolean({
    on: ALL,
    flag: 'metrics-tls',
    summary: 'Serve --metrics over HTTPS.',
    default: false,
  }),
};
