/** The endpoints of `watermarks`: servers, whose connection is kept from one look to the next, and dumps. */
import type { Timers } from '../../clock.js';
import { dumpWatermarks } from '../../dump/count/watermarks.js';
import { dumpName } from '../../dump/read/dump-reader.js';
import { FastcacheError } from '../../errors.js';
import { decodeForgotten, encodeForget } from '../../frame/forget.js';
import { BRIEF_QUESTION } from '../../frame/status.js';
import { DEFAULT_CONNECT_TIMEOUT_MS } from '../../limits.js';
import { answersBriefly } from '../../replication/link/brief-pair.js';
import { Probe } from '../../replication/link/probe.js';
import { readStatus } from '../../status/status-payload.js';
import type { EndpointAnswer, EndpointWatermarks, SilentEndpoint } from '../../status/watermarks.js';
import { formatAddress, parseAddress } from '../../transport/address.js';
import type { Address, Transport } from '../../transport/connection.js';
import { parseHostPort } from '../command/values.js';

/** The options of a question to an endpoint. */
export interface EndpointOptions {
  token: string | undefined;
  transport: Transport;
  timers: Timers;
  /** Reports an unusual state of an endpoint to a person. */
  warn(message: string): void;
}

/** The replicas that a server lists no longer. */
export interface ForgottenReplicas {
  endpoint: string;
  forgotten: number;
}

/** A server or a dump. */
export class Endpoint {
  readonly isDump: boolean;
  readonly #text: string;
  readonly #options: EndpointOptions;
  #probe: Probe | undefined;
  #hasWarned = false;

  /**
   * Names an endpoint. Throws a `UsageError` for a text that is neither an address nor the name of a file.
   */
  constructor(text: string, options: EndpointOptions) {
    this.isDump = !isAddress(text);
    this.#text = this.isDump ? text : parseHostPort(text);
    this.#options = options;
  }

  /** The address or the file, as it was given. */
  get name(): string {
    return this.#text;
  }

  /**
   * Returns the endpoint's watermarks, or its fault; a brief look leaves out what a server need not tell
   * (docs/protocol.md, "Status"). Throws errors that are no `FastcacheError`.
   */
  async look({ isBrief = false } = {}): Promise<EndpointAnswer> {
    try {
      if (this.isDump) return await readDumpEnd(this.#text);
      return await this.#ask(parseAddress(this.#text), isBrief);
    } catch (fault) {
      this.close();
      if (!(fault instanceof FastcacheError)) throw fault;
      return { endpoint: this.isDump ? dumpName(this.#text) : this.#text, fault };
    }
  }

  /**
   * Has a server list departed replicas no longer: that of the name or address `which`, or all with `gone`.
   * Resolves with how many, or with its fault.
   */
  async forget(which: string): Promise<ForgottenReplicas | SilentEndpoint> {
    try {
      const probe = await this.#open(parseAddress(this.#text));
      if (!probe.isOurs) throw listsNone(this.#text);
      return { endpoint: this.#text, forgotten: decodeForgotten(await probe.ask(encodeForget(which))) };
    } catch (fault) {
      this.close();
      if (!(fault instanceof FastcacheError)) throw fault;
      return { endpoint: this.#text, fault };
    }
  }

  /** Closes the connection; the next look opens another. */
  close(): void {
    this.#probe?.close();
    this.#probe = undefined;
  }

  async #ask(address: Address, isBrief: boolean): Promise<EndpointWatermarks> {
    const endpoint = formatAddress(address);
    const probe = await this.#open(address);
    if (!probe.isOurs) {
      this.#warnOfSlot(endpoint);
      return {
        endpoint,
        role: 'primary',
        history: null,
        base: null,
        watermarks: [...probe.watermarks],
        status: undefined,
      };
    }
    const question = isBrief && answersBriefly(probe.margin) ? BRIEF_QUESTION : undefined;
    const status = readStatus(await probe.ask(question));
    const { role, history, base, watermarks } = status;
    return { endpoint, role, history, base, watermarks, status };
  }

  async #open(address: Address): Promise<Probe> {
    if (this.#probe === undefined || this.#probe.fault !== undefined) {
      const { transport, timers, token } = this.#options;
      const connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS;
      this.#probe = await Probe.open(address, { transport, timers, connectTimeoutMs, token });
    }
    return this.#probe;
  }

  #warnOfSlot(endpoint: string): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#options.warn(
      `${endpoint} is a Rust primary: it reports its watermarks alone, and while nothing is written to it ` +
        'each question takes one of its replica slots (16 by default) until the next write.',
    );
  }
}

async function readDumpEnd(file: string): Promise<EndpointWatermarks> {
  return { endpoint: dumpName(file), role: 'dump', ...(await dumpWatermarks(file)), status: undefined };
}

function listsNone(address: string): FastcacheError {
  const message = `${address} is a Rust primary, which lists no replicas.`;
  return new FastcacheError('STATUS_NOT_TOLD', message, { address });
}

/** Asks all endpoints at the same time. */
export function lookAtAll(
  endpoints: readonly Endpoint[],
  how?: { isBrief: boolean },
): Promise<EndpointAnswer[]> {
  return Promise.all(endpoints.map((endpoint) => endpoint.look(how)));
}

/** Whether a text ends in a port and has no slash. A dump of such a name can be given as `./name:1`. */
export function isAddress(endpoint: string): boolean {
  return /^[^/\\]*:\d+$/.test(endpoint);
}
