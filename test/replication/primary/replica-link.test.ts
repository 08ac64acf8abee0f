/** Heartbeats to a replica stand between two frames of its stream. */
import { expect, it } from 'vitest';
import { FrameKind } from '../../../src/frame/kinds.js';
import { ReplicaLink } from '../../../src/replication/primary/replica-link.js';
import { startPrimary } from '../../support/virtual-cluster.js';
import { VirtualTransport } from '../../support/virtual-transport.js';
import { VirtualWorld } from '../../support/virtual-world.js';

const KIND_OFFSET = 5;

it('sends heartbeats in the order of the stream, and none while something is on its way', async () => {
  const world = new VirtualWorld();
  const { publisher } = await startPrimary(world, new VirtualTransport(world));
  const inserted: Buffer[] = [];
  const connection = {
    remoteAddress: 'peer:1',
    bufferedBytes: 0,
    sentBytes: 0,
    handlers: { onData() {}, onDrain() {}, onClose() {} },
    // A write past the stream could stand within a frame that the connection has taken in part.
    write: () => expect.unreachable('a heartbeat went past the stream'),
    flush() {},
    pause() {},
    resume() {},
    end() {},
    destroy() {},
  };
  const link = new ReplicaLink({
    clock: world.seams.clock,
    timers: world.seams.timers,
    connection,
    stream: publisher,
    insert: (frame) => inserted.push(frame),
    takesDigestsNow: () => false,
    onDead() {},
  });
  world.run(1_500);
  expect(inserted.map((frame) => frame[KIND_OFFSET])).toEqual([FrameKind.Ack]);
  connection.bufferedBytes = 1;
  world.run(2_000);
  expect(inserted).toHaveLength(1);
  link.stop();
});
