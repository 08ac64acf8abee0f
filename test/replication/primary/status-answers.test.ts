/** The frames that a primary sends a probe of ours behind its answer, and the cost of such a probe. */
import { describe, expect, it } from 'vitest';
import { encodeForget, encodeForgotten } from '../../../src/frame/forget.js';
import { encodeFrame } from '../../../src/frame/frame.js';
import { encodeHello, encodeHelloFrame } from '../../../src/frame/hello.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import { FrameSplitter } from '../../../src/frame/splitter.js';
import { BRIEF_QUESTION } from '../../../src/frame/status.js';
import { encodeWatermarks } from '../../../src/frame/watermarks.js';
import { answersBriefly } from '../../../src/replication/link/brief-pair.js';
import { StatusAnswers } from '../../../src/replication/primary/status-answers.js';
import type { Connection } from '../../../src/transport/connection.js';
import { RawPeer } from '../../support/virtual-cluster.js';
import { clustersOf, fill } from '../../support/virtual-clusters.js';

const cluster = clustersOf('map');
const ALL = new Array(4).fill(0xffff_ffff_ffff_ffffn);
const QUESTION = encodeFrame(FrameKind.Status, Buffer.alloc(0));
const ANSWER = Buffer.from([0x81, 0xa1, 0x61, 0x01]);

const BRIEF = Buffer.of(0x80);

async function withProbe(status: (isBrief: boolean) => Buffer = () => ANSWER) {
  const opened = await cluster({ listener: { status, maxReplicas: 1 } });
  const { world, transport } = opened;
  const probe = RawPeer.connect(world, transport);
  probe.connection.write(encodeHelloFrame({ role: 'replica', watermarks: ALL }, { margin: new Map() }));
  world.run(10);
  return { ...opened, probe, answers: () => probe.frames.filter(({ kind }) => kind === FrameKind.Status) };
}

const NOT_BRIEF = Buffer.from('\x81\xa5brief\xc2', 'latin1');

describe('a probe of ours', () => {
  it('may ask as often as it likes, ten times a second, and takes no slot', async () => {
    const { world, primary, probe, answers, follow } = await withProbe();
    fill(primary, 0, 10);
    follow();
    for (let asked = 1; asked <= 30; asked += 1) {
      probe.connection.write(QUESTION);
      world.runUntil(() => answers().length === asked);
    }
    expect(world.nowMs).toBeGreaterThan(2_900);
    expect(answers().every(({ payload }) => payload.equals(ANSWER))).toBe(true);
    expect(new Set(probe.kinds())).toEqual(new Set([FrameKind.Hello, FrameKind.Status]));
    expect(primary.listener.replicas()).toHaveLength(1);
    expect(primary.listener.unauthenticatedConnections).toBe(1);
    expect(probe.closed).toBe(false);
  });

  it('is answered briefly when it asks so', async () => {
    const { world, probe, answers } = await withProbe((isBrief) => (isBrief ? BRIEF : ANSWER));
    expect(answersBriefly(probe.hello()!.margin)).toBe(true);
    for (const [index, question] of [BRIEF_QUESTION, Buffer.alloc(0), BRIEF_QUESTION].entries()) {
      probe.connection.write(encodeFrame(FrameKind.Status, question));
      world.runUntil(() => answers().length === index + 1);
    }
    expect(answers().map(({ payload }) => payload)).toEqual([BRIEF, ANSWER, BRIEF]);
  });

  it('is told by the Hello all that was written before it came', async () => {
    const { world, transport, primary } = await cluster({
      publisher: { sendPolicy: 'batch', batchMaxDelayUs: 60_000_000 },
    });
    // Records that wait in the batch are sealed for it.
    fill(primary, 0, 1);
    const late = RawPeer.connect(world, transport);
    late.connection.write(encodeHelloFrame({ role: 'replica', watermarks: ALL }, { margin: new Map() }));
    world.run(10);
    expect(Array.from(late.hello()!.hello.watermarks!)).toEqual(primary.store.watermarks());
  });

  it('may go after a minute without a question', async () => {
    const { world, primary, probe } = await withProbe();
    world.run(50_000);
    probe.connection.write(QUESTION);
    world.run(59_000);
    expect(probe.closed).toBe(false);
    world.run(1_100);
    expect(probe.closed).toBe(true);
    expect(primary.listener.unauthenticatedConnections).toBe(0);
    expect(primary.log.lines).toEqual([]);
  });

  it('that goes leaves nothing behind, also while its question waits', async () => {
    const { world, primary, probe, answers } = await withProbe();
    probe.connection.write(QUESTION);
    world.runUntil(() => answers().length === 1);
    probe.connection.write(QUESTION);
    world.run(10);
    probe.connection.destroy();
    world.run(10);
    expect(primary.listener.unauthenticatedConnections).toBe(0);
    expect(world.pending).toBe(0);
  });

  it.each<[string, Buffer]>([
    ['two questions at once', Buffer.concat([QUESTION, QUESTION, QUESTION])],
    ['a question that asks for nothing', encodeFrame(FrameKind.Status, Buffer.of(0x80))],
    ['a question about a number', encodeFrame(FrameKind.Status, Buffer.from('\x81\xa6forget\x01', 'latin1'))],
    ['a question that is brief with no', encodeFrame(FrameKind.Status, NOT_BRIEF)],
    ['a long question', encodeFrame(FrameKind.Status, encodeForget('x'.repeat(512)))],
    ['an answer', encodeFrame(FrameKind.Status, encodeForgotten(1))],
    ['an Ack', encodeFrame(FrameKind.Ack, encodeWatermarks([]))],
    ['a second Hello', encodeFrame(FrameKind.Hello, encodeHello({ role: 'replica' }))],
    ['garbage', Buffer.from('garbage, and quite some of it')],
  ])('is closed for %s', async (_, bytes) => {
    const { world, primary, probe } = await withProbe();
    probe.connection.write(bytes);
    world.run(200);
    expect(probe.closed).toBe(true);
    expect(primary.listener.unauthenticatedConnections).toBe(0);
    expect(primary.listener.replicas()).toEqual([]);
  });

  it('that asks and does not read is closed before much waits for it', async () => {
    const large = Buffer.alloc(1_000_000);
    const { world, transport, primary, probe } = await withProbe(() => large);
    const { server } = transport.pairs[0]!;
    server.stall();
    for (let asked = 0; asked < 10; asked += 1) {
      probe.connection.write(QUESTION);
      world.run(150);
      expect(server.bufferedBytes).toBeLessThan(2_100_000);
    }
    expect(primary.listener.unauthenticatedConnections).toBe(0);
  });

  it('is one of 256 unauthenticated connections: one more costs the first its place', async () => {
    const { world, transport, primary, probe } = await withProbe();
    for (let more = 0; more < 256; more += 1) RawPeer.connect(world, transport);
    world.run(10);
    expect(probe.closed).toBe(true);
    expect(primary.listener.unauthenticatedConnections).toBeLessThanOrEqual(256);
  });
});

describe('answers that take long', () => {
  it.each([
    [1, 100],
    [40, 800],
    [10_000, 3_000],
  ])('of %i ms are %i ms apart, so that nobody who asks takes the server for dead', (workMs, apartMs) => {
    let nowUs = 0;
    const waits: number[] = [];
    const answers = new StatusAnswers({
      clock: { nowMs: () => nowUs / 1000, monotonicUs: () => nowUs },
      timers: {
        after(delayMs) {
          waits.push(delayMs);
          return { cancel() {} };
        },
        endOfTurn() {},
      },
      connection: { bufferedBytes: 0, write() {} } as unknown as Connection,
      status: () => {
        nowUs += workMs * 1000;
        return ANSWER;
      },
      forget: () => 0,
      onIdle() {},
    });
    new FrameSplitter().push(QUESTION, (question) => {
      answers.hear(question);
      nowUs = 0;
      answers.hear(question);
    });
    // The other timers are those of a probe that asks nothing.
    expect(waits.filter((delayMs) => delayMs !== 60_000)).toEqual([apartMs]);
  });
});

describe('a question', () => {
  it('is not for replicas to ask, ours or the crate’s', async () => {
    for (const hello of [
      encodeHelloFrame({ role: 'replica' }, { margin: new Map() }),
      encodeFrame(FrameKind.Hello, encodeHello({ role: 'replica' })),
    ]) {
      const { world, transport } = await cluster();
      const peer = RawPeer.connect(world, transport);
      peer.connection.write(hello);
      world.run(20);
      peer.connection.write(QUESTION);
      world.run(20);
      expect(peer.closed).toBe(true);
      expect(peer.kinds()).not.toContain(FrameKind.Status);
    }
  });

  it('is not the first thing to say', async () => {
    const { world, transport } = await cluster();
    const peer = RawPeer.connect(world, transport);
    peer.connection.write(QUESTION);
    world.run(20);
    expect(peer.errorText()).toBe('expected Hello frame');
  });
});
