/**
 * Reading without garbage: Node gives every read of an accepted socket a new buffer of 64 KiB, which costs
 * more than the commands in it. `net.Socket` can read into one buffer for good (its documented option
 * `onread`), but `net.Server` does not pass that option on; so an accepted connection is taken over by a
 * socket that has it.
 */
import { Socket } from 'node:net';
import type { ChunkReader } from './client-socket.js';

/**
 * Bytes that one read takes at most; the buffer is shared by all connections, since `onData` is done with it
 * when it returns.
 */
const READ_BYTES = 131_072;
const shared = Buffer.allocUnsafeSlow(READ_BYTES);

/** The handle of the operating system's socket, which `net.Socket` keeps. */
interface WithHandle {
  _handle?: object | null;
}

/**
 * Takes over a connection that a server with `pauseOnConnect` accepted, or one that is read like this
 * already, and starts to read. The socket that is returned takes the place of the given one, which is closed
 * without its connection: it emits `close`, and a server counts it as gone. `writeBytes` are what it takes
 * before it is full, Node's own number where none is given.
 */
export function readShared(given: Socket, reader: ChunkReader, writeBytes?: number): Socket {
  const handle = (given as WithHandle)._handle;
  // A Node without it reads as it always does.
  if (typeof handle !== 'object' || handle === null) {
    given.on('data', (chunk: Buffer) => reader.onData(chunk));
    return given.resume();
  }
  (given as WithHandle)._handle = null;
  given.destroy();
  const options = {
    handle,
    ...(writeBytes !== undefined && { highWaterMark: writeBytes }),
    onread: {
      buffer: shared,
      callback: (bytes: number, buffer: Uint8Array) => {
        reader.onData((buffer as Buffer).subarray(0, bytes));
        return true;
      },
    },
  };
  // Node's types do not have `handle`.
  return new Socket(options as ConstructorParameters<typeof Socket>[0]).resume();
}
