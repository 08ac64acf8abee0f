/**
 * The TLS of a node: the files that its options name, and what is made of them. They are read at the start,
 * and again when an operator asks (docs/operations.md, "TLS").
 */
import { FastcacheError } from '../errors.js';
import type { Log } from '../replication/log.js';
import type { Tls, TlsPem } from '../transport/tls.js';
import type { NodeConfig } from './config.js';
import { asksCertificates } from './exposure.js';
import type { NodeFiles, NodeSeams } from './seams.js';

/** The names of the files; undefined where none is used. */
export interface TlsFiles {
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly ca: string | undefined;
}

/** The seams of a node that has read its files of TLS. */
export interface SecuredSeams extends NodeSeams {
  /** Undefined where no TLS is used. */
  readonly tls: NodeTls | undefined;
}

/**
 * Reads the files that the options name, and has replication use TLS if they say so. Throws NO_INPUT,
 * TLS_UNUSABLE.
 */
export async function securedSeams(config: NodeConfig, seams: NodeSeams): Promise<SecuredSeams> {
  const { tlsCert: cert, tlsKey: key, tlsCa: ca } = config;
  if (!config.tls && cert === undefined) return { ...seams, tls: undefined };
  const names = { cert, key, ca };
  const tls = await seams.createTls(readAll(seams.files, names), asksCertificates(config));
  return { ...seams, transport: config.tls ? tls : seams.transport, tls: new NodeTls(tls, names, seams) };
}

/** The TLS of a node. */
export class NodeTls {
  readonly transport: Tls;
  readonly #seams: Pick<NodeSeams, 'files' | 'clock'>;
  #names: TlsFiles;

  constructor(transport: Tls, names: TlsFiles, seams: Pick<NodeSeams, 'files' | 'clock'>) {
    this.transport = transport;
    this.#names = names;
    this.#seams = seams;
  }

  /** Returns what an operator is to know of the files, as sentences for the log. */
  notes(): string[] {
    const { files, clock } = this.#seams;
    const { cert, key } = this.#names;
    const { validUntilMs } = this.transport;
    const notes: string[] = [];
    if (key !== undefined && files.readPem(key).isOpenToOthers) {
      notes.push(`every user of this machine may read the key ${key}; chmod 600 it`);
    }
    if (validUntilMs !== undefined && validUntilMs < clock.nowMs()) {
      notes.push(`the certificate ${cert} has expired; others refuse it until it is renewed`);
    }
    return notes;
  }

  /**
   * Uses these files from now on. A certificate can be replaced, but authorities and certificates that were
   * not there at the start cannot be added, nor taken away: that would change what the server asks of
   * clients. Throws NO_INPUT, TLS_UNUSABLE, BAD_OPTION; then all stays as it was.
   */
  use(names: TlsFiles): void {
    for (const part of ['cert', 'key', 'ca'] as const) {
      if ((names[part] === undefined) === (this.#names[part] === undefined)) continue;
      throw new FastcacheError('BAD_OPTION', `Whether there is a tls-${part} is decided at the start.`);
    }
    this.transport.renew(readAll(this.#seams.files, names));
    this.#names = names;
  }

  /** Reads the files anew, and logs it; where they cannot be used, those of before stay in force. */
  reload(log: Log): void {
    try {
      this.use(this.#names);
      log.info(`read the certificates anew (${this.#describe()})`);
      for (const note of this.notes()) log.warn(note);
    } catch (error) {
      if (!(error instanceof FastcacheError)) throw error;
      log.error(`the certificates of before stay in force. ${error.message}`);
    }
  }

  #describe(): string {
    const { validUntilMs } = this.transport;
    const { cert, ca } = this.#names;
    const until = validUntilMs === undefined ? '' : `, valid until ${new Date(validUntilMs).toISOString()}`;
    return `${[cert, ca].filter((name) => name !== undefined).join(', ')}${until}`;
  }
}

function readAll(files: Pick<NodeFiles, 'readPem'>, { cert, key, ca }: TlsFiles): TlsPem {
  const read = (name: string | undefined) => (name === undefined ? undefined : files.readPem(name).bytes);
  return { cert: read(cert), key: read(key), ca: read(ca) };
}
