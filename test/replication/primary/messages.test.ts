/**
 * Messages of channels on their way to replicas: behind which frames they come, who gets them, what is kept.
 */
import { describe, expect, it } from 'vitest';
import { encodeHelloFrame } from '../../../src/frame/hello.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { type ChannelMessage, decodeMessages, encodeMessages } from '../../../src/frame/messages.js';
import { FakePrimary } from '../../support/fake-primary.js';
import { RawPeer, startFollower } from '../../support/virtual-cluster.js';
import { clustersOf, fill } from '../../support/virtual-clusters.js';
import { VirtualTransport } from '../../support/virtual-transport.js';
import { VirtualWorld } from '../../support/virtual-world.js';

const cluster = clustersOf('map');
const TAKES = new Map([['messages', 'yes']]);

function message(text: string, isSharded = false): ChannelMessage {
  return { channel: Buffer.from('channel'), payload: Buffer.from(text), isSharded };
}

/** A replica that holds nothing; `margin` is undefined of a Rust one. */
function replicaOf(
  { world, transport }: Pick<Awaited<ReturnType<typeof cluster>>, 'world' | 'transport'>,
  margin: Map<string, string> | undefined,
): RawPeer {
  const peer = RawPeer.connect(world, transport);
  peer.connection.write(encodeHelloFrame({ role: 'replica' }, { margin }));
  world.run(200);
  return peer;
}

function messagesTo(peer: RawPeer): string[] {
  return peer.frames
    .filter(({ kind }) => kind === FrameKind.Messages)
    .flatMap(({ payload }) => [...decodeMessages(payload)].map(({ payload: text }) => String(text)));
}

describe('messages', () => {
  it('of a turn leave in one frame, behind the writes that were made before them', async () => {
    const opened = await cluster({ publisher: { sendPolicy: 'batch', batchMaxDelayUs: 60_000_000 } });
    const { world, primary } = opened;
    const peer = replicaOf(opened, TAKES);
    const before = peer.frames.length;
    fill(primary, 0, 1);
    primary.listener.sendMessage(message('first'));
    primary.listener.sendMessage(message('second', true));
    world.run(10);
    expect(peer.kinds().slice(before)).toEqual([FrameKind.MutationBatch, FrameKind.Messages]);
    expect([...decodeMessages(peer.frames.at(-1)!.payload)]).toEqual([
      message('first'),
      message('second', true),
    ]);
  });

  it('that are many bytes leave within the turn, in order', async () => {
    const opened = await cluster();
    const peer = replicaOf(opened, TAKES);
    const texts = Array.from({ length: 40 }, (_, n) => `${n}`.repeat(10_000));
    for (const text of texts) opened.primary.listener.sendMessage(message(text));
    opened.world.run(10);
    expect(messagesTo(peer)).toEqual(texts);
    expect(peer.kinds().filter((kind) => kind === FrameKind.Messages).length).toBeGreaterThan(3);
  });

  it('go neither to a Rust replica nor to one that does not take them, and none is kept', async () => {
    const opened = await cluster();
    const { world, primary } = opened;
    const [ours, older, rust] = [TAKES, new Map<string, string>(), undefined].map((margin) =>
      replicaOf(opened, margin),
    );
    const kept = primary.publisher.backlog.pushedBytes;
    primary.listener.sendMessage(message('now'));
    world.run(10);
    expect([ours, older, rust].map((peer) => messagesTo(peer!))).toEqual([['now'], [], []]);
    expect(primary.publisher.backlog.pushedBytes).toBe(kept);
    expect(messagesTo(replicaOf(opened, TAKES))).toEqual([]);
  });
});

describe('a follower', () => {
  it('hands messages on, also while it is sent a snapshot', async () => {
    const { world, primary, follow } = await cluster();
    fill(primary, 0, 500);
    const told: string[] = [];
    const { follower } = follow(undefined, {
      messages: (payload) =>
        told.push(...[...decodeMessages(payload)].map(({ payload: text }) => String(text))),
    });
    world.runUntil(() => follower.state.name === 'snapshot');
    primary.listener.sendMessage(message('while loading'));
    world.runUntil(() => follower.state.name === 'live');
    primary.listener.sendMessage(message('live'));
    world.runUntil(() => told.length === 2);
    expect(told).toEqual(['while loading', 'live']);
  });

  it.each([
    { what: 'that has not asked for messages', history: 'ab'.repeat(16), messages: undefined },
    { what: 'of a Rust primary', history: undefined, messages: () => expect.unreachable() },
  ])('$what leaves a primary that sends some', ({ history, messages }) => {
    const world = new VirtualWorld();
    const transport = new VirtualTransport(world);
    new FakePrimary(transport, (peer) => {
      peer.answer([0n], history);
      peer.send(FrameKind.Messages, encodeMessages([message('x')]));
    });
    const { follower, errors } = startFollower(world, transport, { messages });
    world.runUntil(() => errors.length > 0);
    follower.stop();
    expect(errors[0]).toMatchObject({ code: 'FRAME_OUT_OF_PLACE', found: 'Messages' });
  });

  it.each([
    ['of an unknown sort', Buffer.of(2, 0, 0, 0, 0, 0, 0, 0, 0), 'FCRP_MESSAGE_SORT'],
    ['that is cut', encodeMessages([message('hello')]).subarray(0, -1), 'FCRP_FIELD_PAST_PAYLOAD'],
  ])('leaves a primary that sends a message %s', (_, payload, code) => {
    const world = new VirtualWorld();
    const transport = new VirtualTransport(world);
    new FakePrimary(transport, (peer) => {
      peer.answer([0n], 'ab'.repeat(16));
      peer.send(FrameKind.Messages, payload);
    });
    const messages = (bytes: Uint8Array) => void [...decodeMessages(bytes)];
    const { follower, errors } = startFollower(world, transport, { messages });
    world.runUntil(() => errors.length > 0);
    follower.stop();
    expect(errors[0]).toMatchObject({ code });
  });
});
