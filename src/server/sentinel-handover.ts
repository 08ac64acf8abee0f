/**
 * Has stock Sentinels follow a planned failover, of which they are not aware otherwise: they would name the
 * old primary until it has been a replica for 20 s, and then promote a replica of their own choice. Sentinels
 * learn from each other which server is primary, by messages on a channel of the servers that they watch. So
 * the old primary sends the last message of each of them once more, with its heir in place of itself and as
 * of a later failover. Then it does what Sentinel does at its own failovers: it has its other replicas follow
 * the heir, and closes its clients, so that they look for the primary.
 */

import type { ChannelMessage } from '../frame/messages.js';
import type { FailoverPeer } from '../replication/primary/failover-peer.js';
import type { ClientState } from '../resp/client-state.js';
import type { RespServer } from '../resp/server.js';
import { isHost, isSameAddress, parseAddress, portIn } from '../transport/address.js';
import type { Address } from '../transport/connection.js';
import { announcementOf } from './announcing.js';
import type { NodeParts } from './parts.js';
import { isSelfAsNamed } from './self.js';

/** The channel of the messages of Sentinels, one of each every 2 s. */
const HELLO = Buffer.from('__sentinel__:hello');
/** Milliseconds after which a Sentinel that says nothing is gone: a message of it would revive it. */
const FRESH_MS = 6_000;
/** Sentinels of which the last message is kept, and the longest that it can be, bytes. */
const SENTINELS_MAX = 32;
const HELLO_MAX_BYTES = 1_024;
/** The parts of a message, as Sentinels write them; an epoch is a number that JavaScript can hold. */
const ID = /^[0-9a-f]{40}$/;
const NAME = /^[\w.-]+$/;
const EPOCH = /^\d{1,15}$/;
/** How a Sentinel calls its connections. */
const SENTINEL_NAME = /^sentinel-[0-9a-f]{8}-(cmd|pubsub)$/;

/** The last message of a Sentinel. */
interface Hello {
  readonly atMs: number;
  /** Its host, port and id, as it says them. */
  readonly sentinel: string;
  /** The name that it has for the primary. */
  readonly name: string;
  readonly primary: { readonly host: string; readonly port: number };
  /** The greater of the number of the latest failover that it knows of, and of that of its configuration. */
  readonly epoch: number;
}

/** The node whose Sentinels these are. */
export interface HandoverNode
  extends Pick<NodeParts, 'config' | 'seams' | 'events' | 'settings' | 'clientPort' | 'listener'> {
  /** The primary that it follows; undefined while it leads. */
  readonly primary: Address | undefined;
  readonly server: Pick<RespServer, 'clients' | 'kill' | 'deliver'> | undefined;
}

/** The work to be done for an heir of this node. */
interface Handover {
  readonly heir: FailoverPeer;
  /** `host:port` at which Sentinels and clients find the heir. */
  readonly place: string;
  /** The same of the replicas that did not take over. */
  readonly others: readonly string[];
  /** The client that is not closed, to learn how the failover ends. */
  readonly asker: ClientState | undefined;
  /** Whether replicas and clients have been sent away. */
  isDone: boolean;
}

/** The Sentinels of one node, as it knows them from their messages. */
export class SentinelHandover {
  readonly #node: HandoverNode;
  /** By the Sentinel and the name, the one that came last at the end. */
  readonly #hellos = new Map<string, Hello>();
  /** The last one; undefined: there was none, or the node has gone its own way since. */
  #handover: Handover | undefined;

  constructor(node: HandoverNode) {
    this.#node = node;
  }

  /** Called with each message that a client sends. */
  heard({ channel, payload, isSharded }: ChannelMessage): void {
    if (channel.length !== HELLO.length || isSharded || !HELLO.equals(channel)) return;
    const hello = readHello(payload, this.#node.seams.clock.nowMs());
    if (hello === undefined) return;
    const key = `${hello.sentinel},${hello.name}`;
    this.#hellos.delete(key);
    if (this.#hellos.size === SENTINELS_MAX) this.#hellos.delete(this.#hellos.keys().next().value!);
    this.#hellos.set(key, hello);
    if (this.#handover !== undefined) this.#follow(this.#handover, hello);
  }

  /**
   * Has the Sentinels of which this node is the primary name `heir` instead, which is primary already, has
   * the other replicas follow that, and closes clients but for `asker`. Where no Sentinel has found this node
   * yet, that is done once one says that this node is primary, as long as it follows the heir.
   */
  handOver(heir: FailoverPeer, asker: ClientState | undefined): void {
    const { announced: place } = heir;
    if (place === undefined) return;
    const peers = this.#node.listener?.failoverPeers() ?? [];
    const others = peers.flatMap((peer) => (peer === heir ? [] : (peer.announced ?? [])));
    this.#handover = { heir, place, others, asker, isDone: false };
    this.#announce(this.#handover);
  }

  /**
   * Sends it again to a Sentinel that does not know it. Once one does, the clients are closed that came back
   * before the Sentinels named the heir: a library may keep such a connection, over which nothing can be
   * written.
   */
  #follow(handover: Handover, { primary }: Hello): void {
    const { server } = this.#node;
    if (!isSameAddress(this.#node.primary, handover.heir.takesOverAt)) this.#handover = undefined;
    else if (!isSameAddress(primary, parseAddress(handover.place))) this.#announce(handover);
    else if (server !== undefined) {
      this.#handover = undefined;
      this.#closeClients(server, handover);
    }
  }

  #announce(handover: Handover): void {
    const { server } = this.#node;
    const hellos = this.#ownHellos();
    if (server === undefined || hellos.length === 0) return;
    const { host, port } = parseAddress(handover.place);
    const epoch = Math.max(...hellos.map((hello) => hello.epoch)) + 1;
    for (const { sentinel, name } of hellos) {
      const payload = Buffer.from(`${sentinel},${epoch},${name},${host},${port},${epoch}`);
      server.deliver({ channel: HELLO, payload, isSharded: false });
    }
    if (!handover.isDone) this.#sendAway(handover, server);
  }

  #sendAway(handover: Handover, server: NonNullable<HandoverNode['server']>): void {
    const { place, others } = handover;
    handover.isDone = true;
    this.#node.events.log.info(`the Sentinels are sent that ${place} is primary, and clients are closed`);
    if (others.length > 0) void this.#repoint(others, place);
    this.#closeClients(server, handover);
  }

  #closeClients(server: NonNullable<HandoverNode['server']>, { asker }: Handover): void {
    for (const client of server.clients) {
      if (client !== asker && !SENTINEL_NAME.test(client.name)) server.kill(client);
    }
  }

  async #repoint(places: readonly string[], primary: string): Promise<void> {
    try {
      const { repoint } = await import('./repoint.js');
      await repoint(places, primary, this.#node);
    } catch (error) {
      this.#node.events.log.warn(
        `replicas ${places.join(', ')} follow this server still, and not ${primary}; Sentinel will mend that, or ` +
          `you by REPLICAOF there: ${(error as Error).message}`,
      );
    }
  }

  /** The recent messages of Sentinels that take this node for the primary. */
  #ownHellos(): Hello[] {
    const { config, seams } = this.#node;
    const announce = announcementOf(this.#node);
    if (announce === undefined) return [];
    const place = {
      announce: { ...announce, host: announce.host ?? '' },
      listen: config.listen,
      listenTls: config.listenTls,
    };
    const sinceMs = seams.clock.nowMs() - FRESH_MS;
    return [...this.#hellos.values()].filter(
      ({ atMs, primary }) => atMs >= sinceMs && isSelfAsNamed(primary, place, seams),
    );
  }
}

/** Reads `host,port,id,epoch,name,primary's host,primary's port,epoch`; undefined for anything else. */
function readHello(payload: Buffer, atMs: number): Hello | undefined {
  if (payload.length > HELLO_MAX_BYTES) return undefined;
  const parts = payload.toString('latin1').split(',');
  const [host = '', ownPort, id = '', current = '', name = '', primaryHost = '', primaryPort, own = ''] =
    parts;
  const port = portIn(primaryPort);
  const isSentinel = isHost(host) && portIn(ownPort) !== undefined && ID.test(id);
  const isPlace = isHost(primaryHost) && port !== undefined;
  const hasEpochs = EPOCH.test(current) && EPOCH.test(own);
  if (parts.length !== 8 || !isSentinel || !isPlace || !hasEpochs || !NAME.test(name)) return undefined;
  return {
    atMs,
    sentinel: `${host},${ownPort},${id}`,
    name,
    primary: { host: primaryHost, port },
    epoch: Math.max(Number(current), Number(own)),
  };
}
