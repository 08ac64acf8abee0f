/** The questions of a probe that compares, their cost, and the faults that end it. */
import { describe, expect, it } from 'vitest';
import { StoreAnswers } from '../../../src/compare/store-answers.js';
import { type Answer, decodeAnswer, encodeQuestion, type Question } from '../../../src/frame/compare.js';
import { encodeFrame } from '../../../src/frame/frame.js';
import { encodeHello, encodeHelloFrame } from '../../../src/frame/hello.js';
import { FrameKind } from '../../../src/frame/kinds.js';
import type { Comparer } from '../../../src/replication/primary/compare-answers.js';
import { newEngine } from '../../support/engines.js';
import { RawPeer } from '../../support/virtual-cluster.js';
import { clustersOf } from '../../support/virtual-clusters.js';

const cluster = clustersOf('map');
const ALL = new Array(4).fill(0xffff_ffff_ffff_ffffn);

function ask(question: Question): Buffer {
  return encodeFrame(FrameKind.Compare, encodeQuestion(question));
}

async function withProbe(comparer: (() => Comparer) | undefined) {
  const opened = await cluster({ listener: { comparer, maxReplicas: 1 } });
  const { world, transport } = opened;
  const connect = () => {
    const probe = RawPeer.connect(world, transport);
    probe.connection.write(encodeHelloFrame({ role: 'replica', watermarks: ALL }, { margin: new Map() }));
    world.run(10);
    return probe;
  };
  return { ...opened, connect, probe: connect() };
}

function answersOf(probe: RawPeer): Answer[] {
  return probe.frames.flatMap(({ kind, payload }) =>
    kind === FrameKind.Compared ? [decodeAnswer(payload)] : [],
  );
}

function storeAnswers(keys = 100) {
  const engine = newEngine();
  for (let n = 0; n < keys; n++) engine.set(`key:${n}`, 'v');
  const store = { engine, isPrimary: true, history: 'ab'.repeat(16), publishesNot: undefined };
  return { engine, comparer: () => new StoreAnswers(() => store) };
}

/** Steps without end. */
function endless(): Comparer {
  return {
    *answer() {
      for (;;) yield 0.5;
    },
    close() {},
  };
}

describe('a probe that compares', () => {
  it('is answered each question, whatever it asks', async () => {
    const { engine, comparer } = storeAnswers();
    const { world, probe } = await withProbe(comparer);
    const key = { key: Buffer.from('key:1'), shard: 0xffff_ffff };
    const questions: Question[] = [
      { asks: 'shards' },
      { asks: 'parts', shard: 3, bits: 4 },
      { asks: 'list', shard: 0, bits: 3, wanted: Buffer.of(255), cursor: 0n },
      // A cursor that no answer had.
      { asks: 'list', shard: 0, bits: 3, wanted: Buffer.of(255), cursor: 0xffff_ffff_ffff_ffffn },
      { asks: 'keys', keys: [key, key] },
      { asks: 'publish', keys: [] },
    ];
    for (const [index, question] of questions.entries()) {
      probe.connection.write(ask(question));
      world.runUntil(() => answersOf(probe).length > index);
    }
    const answers = answersOf(probe);
    expect(answers.map((answer) => answer.answers)).toEqual(questions.map(({ asks }) => asks));
    expect(answers[0]).toMatchObject({ shards: { length: engine.shards }, isPrimary: true });
    expect(probe.closed).toBe(false);
  });

  it.each<[string, Question]>([
    ['the parts of a shard', { asks: 'parts', shard: 4, bits: 3 }],
    ['the keys of a shard', { asks: 'list', shard: 0xffff_ffff, bits: 3, wanted: Buffer.of(1), cursor: 0n }],
    ['a key in a shard', { asks: 'keys', keys: [{ shard: 4, key: Buffer.from('a') }] }],
    ['a key to publish', { asks: 'publish', keys: [{ shard: 9, key: Buffer.from('a') }] }],
  ])('is refused %s that there is not', async (_, question) => {
    const { world, probe } = await withProbe(storeAnswers().comparer);
    probe.connection.write(ask(question));
    world.runUntil(() => answersOf(probe).length > 0);
    expect(answersOf(probe)[0]).toMatchObject({ answers: 'refused' });
  });

  it('hears each second that its answer is being made, and is not idle meanwhile', async () => {
    const { world, probe } = await withProbe(endless);
    probe.connection.write(ask({ asks: 'shards' }));
    world.run(120_000);
    const answers = answersOf(probe);
    expect(answers.length).toBeGreaterThan(100);
    expect(answers.every(({ answers: sort }) => sort === 'working')).toBe(true);
    expect(probe.closed).toBe(false);
  });

  it.each<[string, Buffer]>([
    ['two questions at once', Buffer.concat([ask({ asks: 'shards' }), ask({ asks: 'shards' })])],
    ['an unknown question', encodeFrame(FrameKind.Compare, Buffer.of(9))],
    ['an answer', encodeFrame(FrameKind.Compared, Buffer.of(5, 0, 0, 0, 0))],
    ['a question that ends in its middle', encodeFrame(FrameKind.Compare, Buffer.of(2, 0, 0))],
  ])('is closed for %s', async (_, bytes) => {
    const { world, primary, probe } = await withProbe(endless);
    probe.connection.write(bytes);
    world.run(200);
    expect(probe.closed).toBe(true);
    expect(primary.listener.unauthenticatedConnections).toBe(0);
  });

  it('that does not read is closed, and nothing of its work goes on', async () => {
    let stopped = 0;
    const entry = { keyHash: 1n, print: 1n, expiresAtMs: 1n, key: Buffer.alloc(900_000) };
    const comparer = (): Comparer => ({
      *answer() {
        yield 0;
        return { answers: 'list', cursor: 0n, entries: [entry] };
      },
      close: () => {
        stopped += 1;
      },
    });
    const { world, transport, primary, probe } = await withProbe(comparer);
    const { server } = transport.pairs[0]!;
    server.stall();
    for (let asked = 0; asked < 10; asked += 1) {
      probe.connection.write(ask({ asks: 'shards' }));
      world.run(150);
      expect(server.bufferedBytes).toBeLessThan(2_100_000);
    }
    expect(primary.listener.unauthenticatedConnections).toBe(0);
    expect(stopped).toBe(1);
  });

  it('that goes in the middle of an answer leaves nothing behind', async () => {
    const { engine, comparer } = storeAnswers(20_000);
    const { world, primary, probe } = await withProbe(comparer);
    const before = engine.kernel.exports.memoryUsed();
    probe.connection.write(ask({ asks: 'keys', keys: [{ shard: 0, key: Buffer.from('key:1') }] }));
    world.runUntil(() => answersOf(probe).length === 1);
    probe.connection.write(ask({ asks: 'parts', shard: 0, bits: 12 }));
    world.run(1);
    probe.connection.destroy();
    world.run(10);
    expect(primary.listener.unauthenticatedConnections).toBe(0);
    expect(world.pending).toBe(0);
    expect(engine.kernel.exports.memoryUsed()).toBe(before);
  });

  it('may not ask where nothing is compared, nor as a replica, nor before its Hello', async () => {
    const { world, probe } = await withProbe(undefined);
    probe.connection.write(ask({ asks: 'shards' }));
    world.run(20);
    expect(probe.closed).toBe(true);
    for (const hello of [
      encodeHelloFrame({ role: 'replica' }, { margin: new Map() }),
      encodeFrame(FrameKind.Hello, encodeHello({ role: 'replica' })),
      Buffer.alloc(0),
    ]) {
      const opened = await withProbe(endless);
      const peer = RawPeer.connect(opened.world, opened.transport);
      peer.connection.write(hello);
      opened.world.run(20);
      peer.connection.write(ask({ asks: 'shards' }));
      opened.world.run(2_000);
      expect(peer.closed).toBe(true);
      expect(peer.kinds()).not.toContain(FrameKind.Compared);
    }
  });
});
