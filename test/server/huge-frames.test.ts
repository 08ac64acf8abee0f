/** Small frames that would become huge, sent to live nodes: each is refused by its header. */
import { expect, it } from 'vitest';
import { systemTimers } from '../../src/clock.js';
import { encodeCompressedFrame } from '../../src/frame/frame.js';
import { encodeHelloFrame } from '../../src/frame/hello.js';
import { FrameKind } from '../../src/frame/kinds.js';
import { Probe } from '../../src/replication/link/probe.js';
import { parseAddress } from '../../src/transport/address.js';
import { tcpTransport } from '../../src/transport/tcp.js';
import { FakePrimary, type Script } from '../support/fake-primary.js';
import { settledBytes, staysWell } from '../support/hostile-acts.js';
import { closesLater, follow } from '../support/library.js';
import { start } from '../support/open-front.js';
import { RespClient } from '../support/resp-client.js';

const MIB = 1024 * 1024;
const OVER_LIMIT = expect.objectContaining({ code: 'FCRP_LENGTH_OVER_LIMIT' });

/** A frame of a few KiB whose payload has 64 MiB: a count, then zeros. */
function bomb(kind: FrameKind): Buffer {
  const payload = Buffer.alloc(64 * MIB);
  payload.writeUInt32LE(kind === FrameKind.Error ? payload.length - 4 : (payload.length - 4) / 8);
  const small = encodeCompressedFrame(FrameKind.MutationBatch, payload);
  small[5] = kind;
  return small;
}

async function fakePrimary(script: Script): Promise<string> {
  const listener = await new FakePrimary(tcpTransport, script, '127.0.0.1:0').listener;
  closesLater(listener);
  return listener.address;
}

it.each([FrameKind.Ack, FrameKind.Error, FrameKind.SnapshotBegin, FrameKind.SnapshotEnd])(
  'a replica drops a primary that sends one of kind %i, and answers its clients',
  async (kind) => {
    const frame = bomb(kind);
    const before = settledBytes();
    const address = await fakePrimary((peer) => {
      peer.answer([1n]);
      peer.snapshot([1n], ['a']);
      peer.connection.write(frame);
    });
    const replica = await follow(address, { listen: ':0' });
    const { error } = await new Promise<{ error: Error }>((resolve) => replica.on('lost', resolve));
    expect(error).toEqual(OVER_LIMIT);
    await staysWell(replica, before);
  },
);

it('a question to an address that answers with an Error of one ends with its code', async () => {
  const frame = bomb(FrameKind.Error);
  const address = await fakePrimary((peer) => peer.connection.write(frame));
  const options = { transport: tcpTransport, timers: systemTimers, connectTimeoutMs: 500 };
  await expect(Probe.open(parseAddress(address), options)).rejects.toEqual(OVER_LIMIT);
});

it('a primary drops a replica that sends an Ack of one, and answers its clients', async () => {
  const before = settledBytes();
  const { primary, warnings } = await start({ shards: 1 });
  const peer = await RespClient.connect(primary.bindAddress!);
  peer.write(encodeHelloFrame({ role: 'replica' }, { margin: new Map() }));
  peer.write(bomb(FrameKind.Ack));
  await peer.untilClosed();
  expect(warnings.join()).toMatch(/cannot be read: The frame announces 67108864 bytes uncompressed; at most/);
  await staysWell(primary, before);
});
