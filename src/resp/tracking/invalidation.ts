/** The messages to clients when keys change, encoded once for each version of the protocol. */
import type { ClientState } from '../client-state.js';
import { encodeReply, type Protocol, Push, type Reply } from '../reply.js';

/** The channel on which a client of RESP2 gets invalidations that are redirected to it. */
const CHANNEL = '__redis__:invalidate';

/** One invalidation: of some keys, or with `null` of all. */
export class Invalidation {
  readonly #keys: readonly Buffer[] | null;
  readonly #encoded: (Buffer | undefined)[] = [];

  constructor(keys: readonly Buffer[] | null) {
    this.#keys = keys;
  }

  /**
   * Sends it on behalf of a client that tracks keys, to that client or the one that it redirects to. In
   * RESP2 only a client that is subscribed can be sent something unasked, and is so only by redirection.
   */
  sendFor(client: ClientState): void {
    const { tracking } = client;
    if (tracking?.redirect === undefined) {
      if (client.protocol === 3) client.output.push(this.#bytes(3));
      return;
    }
    const { redirect } = tracking;
    if (redirect.leaves) {
      tracking.isRedirectBroken = true;
      if (client.protocol === 3) {
        client.output.push(encodeReply(new Push(['tracking-redir-broken', redirect.id]), 3));
      }
    } else if (redirect.protocol === 3 || redirect.subscriptions !== undefined) {
      redirect.output.push(this.#bytes(redirect.protocol));
    }
  }

  #bytes(protocol: Protocol): Buffer {
    const head: readonly Reply[] = protocol === 3 ? ['invalidate'] : ['message', CHANNEL];
    const bytes = this.#encoded[protocol] ?? encodeReply(new Push([...head, this.#keys]), protocol);
    this.#encoded[protocol] = bytes;
    return bytes;
  }
}
