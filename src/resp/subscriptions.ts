/**
 * The subscriptions of one client. Names are their bytes in latin1, so that they can be compared and kept.
 */

/** The three sorts of names: patterns match channels, and shard channels stand by themselves. */
export type SubscriptionKind = 'channels' | 'patterns' | 'shardChannels';

/** Bytes that a subscription takes besides its name. */
const SUBSCRIPTION_BYTES = 256;

/** The subscriptions of one client; a client without any has none of these. */
export class Subscriptions {
  readonly channels = new Set<string>();
  readonly patterns = new Set<string>();
  readonly shardChannels = new Set<string>();
  #bytes = 0;

  /** About the bytes that they take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many there are, of all kinds. */
  get count(): number {
    return this.channels.size + this.patterns.size + this.shardChannels.size;
  }

  /** Adds a name; returns whether it is new. */
  add(kind: SubscriptionKind, name: string): boolean {
    if (this[kind].has(name)) return false;
    this[kind].add(name);
    this.#bytes += subscriptionBytes(name.length);
    return true;
  }

  /** Takes a name away; returns whether it was there. */
  delete(kind: SubscriptionKind, name: string): boolean {
    if (!this[kind].delete(name)) return false;
    this.#bytes -= subscriptionBytes(name.length);
    return true;
  }
}

/** Returns about the bytes that a subscription to a name of so many bytes takes. */
export function subscriptionBytes(nameBytes: number): number {
  return nameBytes + SUBSCRIPTION_BYTES;
}
