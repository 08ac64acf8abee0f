import { afterEach, describe, expect, it } from 'vitest';
import { ReplicationMetrics } from '../../../src/replication/metrics.js';
import { Subscriber, type SubscriberOptions } from '../../../src/replication/primary/subscriber.js';
import type { Connection } from '../../../src/transport/connection.js';

/** Takes `room` writes, then is full until it is drained. */
class NarrowConnection implements Connection {
  readonly remoteAddress = 'peer:1';
  readonly bufferedBytes = 0;
  handlers = { onData() {}, onDrain() {}, onClose() {} };
  readonly written: string[] = [];
  room: number;
  constructor(room: number) {
    this.room = room;
  }
  write(bytes: Uint8Array): boolean {
    this.written.push(Buffer.from(bytes).toString());
    this.room -= 1;
    return this.room > 0;
  }
  flush(): void {}
  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}
}

const made: Subscriber[] = [];
afterEach(() => {
  for (const subscriber of made.splice(0)) subscriber.invariants();
});

function subscribe(room: number, bounds: Partial<SubscriberOptions> = {}) {
  const connection = new NarrowConnection(room);
  const metrics = new ReplicationMetrics();
  let cutOffs = 0;
  const reasons: string[] = [];
  const subscriber = new Subscriber(connection, {
    maxQueueFrames: 3,
    maxQueueBytes: 1_000,
    metrics,
    watermarks: [0n],
    cutOff: (reason) => {
      reasons.push(reason);
      cutOffs += 1;
    },
    ...bounds,
  });
  made.push(subscriber);
  let next = 1n;
  const offer = (text: string) => {
    subscriber.offer(Buffer.from(text), 0, next++);
    subscriber.invariants();
  };
  return { connection, metrics, subscriber, offer, cutOffs: () => cutOffs, reasons };
}

describe('a subscriber', () => {
  it('writes straight to a connection that takes it', () => {
    const { connection, subscriber, offer, metrics } = subscribe(100);
    subscriber.start([], () => {});
    offer('a');
    offer('b');
    expect(connection.written).toEqual(['a', 'b']);
    expect(metrics.queueHighWatermark).toBe(0);
    expect(subscriber.watermarks).toEqual([2n]);
  });

  it('holds frames back until it starts, then sends what it is given first', () => {
    const { connection, subscriber, offer } = subscribe(100);
    offer('live');
    expect(connection.written).toEqual([]);
    let caughtUpAfter: string[] = [];
    subscriber.start([Buffer.from('old1'), Buffer.from('old2')], () => {
      caughtUpAfter = connection.written.slice();
    });
    expect(connection.written).toEqual(['old1', 'old2', 'live']);
    expect(caughtUpAfter).toEqual(['old1', 'old2']);
  });

  it('goes on in order as the connection drains', () => {
    const { connection, subscriber, offer, metrics } = subscribe(1, { maxQueueFrames: 10 });
    subscriber.start([Buffer.from('old1'), Buffer.from('old2')], () => {});
    offer('a');
    offer('b');
    expect(connection.written).toEqual(['old1']);
    expect(metrics.queueDepth).toBe(2);
    connection.room = 2;
    subscriber.drained();
    expect(connection.written).toEqual(['old1', 'old2', 'a']);
    offer('c');
    connection.room = 10;
    subscriber.drained();
    expect(connection.written).toEqual(['old1', 'old2', 'a', 'b', 'c']);
    expect(metrics).toMatchObject({ queueDepth: 0, queueHighWatermark: 2 });
  });

  it('takes as many frames as its bound and is cut off with the next: one event, one drop, nothing more sent', () => {
    const { connection, subscriber, offer, metrics, cutOffs, reasons } = subscribe(1);
    subscriber.start([], () => {});
    for (const text of ['sent', 'q1', 'q2', 'q3']) offer(text);
    expect(cutOffs()).toBe(0);
    expect(subscriber.queuedFrames).toBe(3);
    offer('over');
    offer('later');
    expect(cutOffs()).toBe(1);
    expect(reasons).toEqual([
      '3 frames (6 bytes) wait for it, and the subscriber queue is limited to 3 frames',
    ]);
    expect(metrics).toMatchObject({ backpressureEvents: 1, drops: 1, queueDepth: 0 });
    connection.room = 10;
    subscriber.drained();
    expect(connection.written).toEqual(['sent']);
  });

  it('is cut off when the bytes pass their bound, however few the frames', () => {
    const { subscriber, offer, cutOffs, reasons } = subscribe(1, { maxQueueBytes: 10 });
    subscriber.start([], () => {});
    offer('sent');
    offer('0123456789');
    expect(cutOffs()).toBe(0);
    expect(subscriber.queuedBytes).toBe(10);
    offer('x');
    expect(cutOffs()).toBe(1);
    expect(reasons).toEqual([
      '1 frames (10 bytes) wait for it, and with the next 1 the subscriber queue passes its limit of 10 bytes',
    ]);
    expect(subscriber.queuedBytes).toBe(0);
  });

  it('is cut off while it is still held back', () => {
    const { connection, subscriber, offer, cutOffs } = subscribe(100, { maxQueueFrames: 1 });
    offer('a');
    offer('b');
    expect(cutOffs()).toBe(1);
    subscriber.start([Buffer.from('old')], () => {});
    expect(connection.written).toEqual([]);
  });

  it('frees its queue at once when it is closed', () => {
    const { subscriber, offer, metrics, cutOffs } = subscribe(1);
    subscriber.start([], () => {});
    for (const text of ['sent', 'q1', 'q2']) offer(text);
    subscriber.close();
    expect(subscriber).toMatchObject({ queuedFrames: 0, queuedBytes: 0 });
    expect(metrics).toMatchObject({ queueDepth: 0, drops: 0 });
    expect(cutOffs()).toBe(0);
  });
});
