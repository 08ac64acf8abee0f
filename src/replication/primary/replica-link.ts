/**
 * Keeps the connection to a replica of fastcache's alive (docs/protocol.md, "Acks"): sends heartbeats to it,
 * and watches for bytes from it. A Rust replica sends nothing, and reads only frames that it is to apply.
 */
import type { Clock, Timers } from '../../clock.js';
import type { Connection } from '../../transport/connection.js';
import { AckSender } from '../link/ack-sender.js';
import { LinkWatch } from '../link/link-watch.js';
import type { FrameStream } from '../stream/stream.js';
import { DigestSender } from './digest-sender.js';

/** The options of a `ReplicaLink`. */
export interface ReplicaLinkOptions {
  clock: Clock;
  timers: Timers;
  connection: Connection;
  stream: FrameStream;
  /** Sends a frame behind all of the stream that has been published, so that it stands between two frames. */
  insert(frame: Buffer): void;
  /** Returns whether the replica takes digests, and there is room for a frame of them. */
  takesDigestsNow(): boolean;
  /** Called when the replica has been silent for so long that the link is dead. */
  onDead(silentMs: number): void;
}

/** The link to one replica, from its making until `stop`. */
export class ReplicaLink {
  readonly #heartbeats: AckSender;
  readonly #watch: LinkWatch;
  readonly #digests: DigestSender;

  constructor({ clock, timers, connection, stream, insert, takesDigestsNow, onDead }: ReplicaLinkOptions) {
    this.#digests = new DigestSender({ stream, insert, takesDigestsNow });
    this.#heartbeats = new AckSender({
      clock,
      timers,
      watermarks: () => stream.watermarks(),
      send: (frame) => {
        // Bytes on their way are a sign of life already, and nothing may gather where the peer does not read.
        if (connection.bufferedBytes === 0) insert(frame);
        this.#digests.beat();
      },
    });
    this.#heartbeats.start();
    this.#watch = new LinkWatch({ clock, timers, onDead });
  }

  /** Hands on digests of the primary above, if the replica takes them. */
  relayDigests(frame: Buffer): void {
    this.#digests.relay(frame);
  }

  /** Called when bytes have come. */
  heard(): void {
    this.#watch.heard();
  }

  /** Sends and watches no more. */
  stop(): void {
    this.#heartbeats.stop();
    this.#watch.stop();
  }
}
