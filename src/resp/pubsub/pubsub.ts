/**
 * Channels and their subscribers (docs/redis.md, "Channels"): a message goes to the clients that are
 * subscribed at that moment, and is kept nowhere. Where nobody subscribes, publishing is two look-ups that
 * find nothing.
 */
import type { ChannelMessage } from '../../frame/messages.js';
import type { ClientState } from '../client-state.js';
import { type SubscriptionKind, Subscriptions } from '../subscriptions.js';
import { ChannelPattern, type GlobMatch } from './channel-pattern.js';
import { Message } from './messages.js';

const NOBODY: ReadonlySet<ClientState> = new Set();

/** The subscriptions of all clients. */
export class PubSub {
  readonly #glob: GlobMatch;
  /** The subscribers of each name; a name without any is not there. */
  readonly #subscribers: Readonly<Record<SubscriptionKind, Map<string, Set<ClientState>>>> = {
    channels: new Map(),
    patterns: new Map(),
    shardChannels: new Map(),
  };
  readonly #patterns = new Map<string, ChannelPattern>();
  #clientCount = 0;
  /** Called when the first client has subscribed, and when the last one has left. */
  onAudience: () => void = () => {};

  /** Patterns of other forms than `prefix*` are matched by `glob`. */
  constructor(glob: GlobMatch) {
    this.#glob = glob;
  }

  /** How many clients are subscribed to anything. */
  get clientCount(): number {
    return this.#clientCount;
  }

  /** How many names of a kind have subscribers. */
  count(kind: SubscriptionKind): number {
    return this.#subscribers[kind].size;
  }

  /** The names of a kind that have subscribers, in latin1. */
  names(kind: SubscriptionKind): Iterable<string> {
    return this.#subscribers[kind].keys();
  }

  /** How many clients are subscribed to this very name, which is in latin1. */
  subscriberCount(kind: SubscriptionKind, name: string): number {
    return this.#subscribers[kind].get(name)?.size ?? 0;
  }

  /** Subscribes a client to a name, which is in latin1, unless it is already. */
  subscribe(client: ClientState, kind: SubscriptionKind, name: string): void {
    if (client.subscriptions === undefined) {
      client.subscriptions = new Subscriptions();
      this.#clientCount += 1;
      if (this.#clientCount === 1) this.onAudience();
    }
    if (!client.subscriptions.add(kind, name)) return;
    const subscribers = this.#subscribers[kind].get(name);
    if (subscribers !== undefined) {
      subscribers.add(client);
      return;
    }
    this.#subscribers[kind].set(name, new Set([client]));
    if (kind === 'patterns') this.#patterns.set(name, new ChannelPattern(name));
  }

  /** Takes a client's subscription away, if it is there. */
  unsubscribe(client: ClientState, kind: SubscriptionKind, name: string): void {
    const { subscriptions } = client;
    if (subscriptions?.delete(kind, name) !== true) return;
    if (subscriptions.count === 0) {
      client.subscriptions = undefined;
      this.#clientCount -= 1;
      if (this.#clientCount === 0) this.onAudience();
    }
    const subscribers = this.#subscribers[kind].get(name)!;
    subscribers.delete(client);
    if (subscribers.size > 0) return;
    this.#subscribers[kind].delete(name);
    if (kind === 'patterns') this.#patterns.delete(name);
  }

  /** Takes all of a client's subscriptions away, without a message. */
  forget(client: ClientState): void {
    const { subscriptions } = client;
    if (subscriptions === undefined) return;
    for (const kind of ['channels', 'patterns', 'shardChannels'] as const) {
      for (const name of subscriptions[kind]) this.unsubscribe(client, kind, name);
    }
  }

  /**
   * Sends a message to the subscribers of a channel and of the patterns that match it; returns to how many
   * subscriptions it went.
   */
  publish(channel: Buffer, payload: Buffer): number {
    const name = channel.toString('latin1');
    const subscribers = this.#subscribers.channels.get(name);
    let receivers = 0;
    if (subscribers !== undefined) receivers = new Message(['message', name], payload).sendTo(subscribers);
    for (const [patternName, pattern] of this.#patterns) {
      if (!pattern.matches(name, channel, this.#glob)) continue;
      const message = new Message(['pmessage', patternName, name], payload);
      receivers += message.sendTo(this.#subscribers.patterns.get(patternName) ?? NOBODY);
    }
    return receivers;
  }

  /** Sends a message to its subscribers; returns to how many subscriptions it went. */
  send({ channel, payload, isSharded }: ChannelMessage): number {
    return isSharded ? this.#publishSharded(channel, payload) : this.publish(channel, payload);
  }

  #publishSharded(channel: Buffer, payload: Buffer): number {
    const name = channel.toString('latin1');
    const subscribers = this.#subscribers.shardChannels.get(name);
    return subscribers === undefined ? 0 : new Message(['smessage', name], payload).sendTo(subscribers);
  }
}
