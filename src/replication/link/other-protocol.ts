/**
 * Clients of other protocols that have come to a port of FCRP, and servers of other protocols that were taken
 * for one of fastcache: recognises their protocol, and words the answer and the log line
 * (docs/troubleshooting.md, "The log").
 */

/** A protocol that a client speaks, and the answer in it. */
export interface OtherProtocol {
  readonly name: string;
  readonly answer: Buffer;
}

const ADVICE =
  'This is a port for replicas (FCRP). Clients connect to the port of --listen, 6380 unless it was changed; ' +
  'metrics are at the port of --metrics.';
const HTTP_REQUEST = /^[A-Z]{3,8} \S+ HTTP\/1\.\d/;
/** A command in an array, or the name of one in a line. */
const REDIS_COMMAND = /^(\*\d|[A-Za-z]{3,20}[\s])/;

/** Finds the protocol of a client from the first bytes that it sent; undefined: it is not known. */
export function clientProtocol(first: Uint8Array): OtherProtocol | undefined {
  const text = beginning(first);
  if (HTTP_REQUEST.test(text)) {
    const head = 'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n';
    return { name: 'HTTP', answer: Buffer.from(`${head}${ADVICE}\n`) };
  }
  if (!REDIS_COMMAND.test(text)) return undefined;
  return { name: 'the Redis protocol', answer: Buffer.from(`-ERR ${ADVICE}\r\n`) };
}

/** Finds the protocol of a server from the first bytes that it answered; undefined: it is not known. */
export function serverProtocol(first: Uint8Array): string | undefined {
  const text = beginning(first);
  if (/^[-+]/.test(text)) return 'the Redis protocol';
  return text.startsWith('HTTP/') ? 'HTTP' : undefined;
}

function beginning(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, 256)).toString('latin1');
}
