/**
 * Reading without garbage: Node gives every read of an accepted socket a new buffer of 64 KiB, which costs
 * more than the commands in it. `net.Socket` can read into one buffer for good (its documented option
 * `onread`), but `net.Server` does not pass that option on; so an accepted connection is taken over by a
 * socket that has it.
 */
import { Socket } from 'node:net';

/** A client's socket, for code that is handed a connection and opens none. */
export type ClientSocket = Socket;

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
 * Takes over a connection that a server with `pauseOnConnect` accepted, and starts to read. `onData` may use
 * the bytes until it returns. The socket that is returned takes the place of the accepted one, which the
 * server then counts as gone.
 */
export function readShared(accepted: Socket, onData: (chunk: Buffer) => void): Socket {
  const handle = (accepted as WithHandle)._handle;
  // A Node without it reads as it always does.
  if (typeof handle !== 'object' || handle === null) {
    accepted.on('data', onData);
    return accepted.resume();
  }
  (accepted as WithHandle)._handle = null;
  accepted.destroy();
  const options = {
    handle,
    onread: {
      buffer: shared,
      callback: (bytes: number, buffer: Uint8Array) => {
        onData((buffer as Buffer).subarray(0, bytes));
        return true;
      },
    },
  };
  // Node's types do not have `handle`.
  return new Socket(options as ConstructorParameters<typeof Socket>[0]).resume();
}
