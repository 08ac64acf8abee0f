/**
 * Finds which of two protocols a connection speaks from its first bytes (docs/protocol.md, "One port"): a
 * peer's begins with the magic of its protocol, a client's with anything else. A client's bytes cost one
 * comparison in all; from then on its reader is called as if there were no other protocol.
 */
import type { Socket } from 'node:net';
import type { Timer, Timers } from '../clock.js';
import type { ChunkReader, ClientSocket, SocketKind } from './client-socket.js';
import type { Connection } from './connection.js';

/** The first two bytes of TLS; no client of the Redis protocol sends them. */
const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR_VERSION = 3;

/** The peers' side of a port that clients use as well. */
export interface PeerDoor {
  readonly timers: Timers;
  readonly sockets: SocketKind;
  /** The bytes that a peer sends first. */
  readonly magic: Buffer;
  /** Milliseconds within which a connection that has sent a part of the magic must send the rest of it. */
  readonly deadlineMs: number;
  /** Called with the connection of a peer, which sets its handlers at once; its first bytes come next. */
  onPeer(connection: Connection): void;
}

/** The reader of a connection that is not a peer's. */
export interface OtherReader extends ChunkReader {
  /** Called when the deadline has passed with a part of the magic and no more. */
  onLate(): void;
  /** Called when the first bytes are those of TLS, which is not spoken here. */
  onTls(): void;
}

/**
 * Reads an accepted connection. The chunks of a client go to `client`; the socket of a peer is closed without
 * its connection, which goes to `door`.
 */
export function readByProtocol(accepted: Socket, door: PeerDoor, client: OtherReader): ClientSocket {
  const { magic } = door;
  let begun: Buffer | undefined;
  let deadline: Timer | undefined;
  const reader: ChunkReader = {
    onData(chunk) {
      const bytes = begun === undefined ? chunk : Buffer.concat([begun, chunk]);
      const length = Math.min(bytes.length, magic.length);
      if (bytes.compare(magic, 0, length, 0, length) !== 0) {
        deadline?.cancel();
        reader.onData = client.onData;
        if (bytes[0] === TLS_HANDSHAKE && bytes[1] === TLS_MAJOR_VERSION) client.onTls();
        else client.onData(bytes);
      } else if (length < magic.length) {
        begun = Buffer.from(bytes);
        deadline ??= startDeadline();
      } else {
        deadline?.cancel();
        const connection = door.sockets.take(socket);
        door.onPeer(connection);
        connection.handlers.onData(bytes);
      }
    },
  };
  const startDeadline = () => {
    const timer = door.timers.after(door.deadlineMs, () => client.onLate());
    socket.once('close', () => timer.cancel());
    return timer;
  };
  const socket = door.sockets.read(accepted, reader);
  return socket;
}
