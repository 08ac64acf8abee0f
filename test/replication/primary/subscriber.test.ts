import { afterEach, describe, expect, it } from 'vitest';
import { ReplicationMetrics } from '../../../src/replication/metrics.js';
import { Subscriber, type SubscriberOptions } from '../../../src/replication/primary/subscriber.js';
import { Backlog } from '../../../src/replication/stream/backlog.js';
import type { Connection } from '../../../src/transport/connection.js';

/** Takes `room` writes, then is full until it is drained. */
class NarrowConnection implements Connection {
  readonly remoteAddress = 'peer:1';
  bufferedBytes = 0;
  sentBytes = 0;
  handlers = { onData() {}, onDrain() {}, onClose() {} };
  readonly written: Uint8Array[] = [];
  room: number;
  constructor(room: number) {
    this.room = room;
  }
  /** The text of all that was written, as it is by now. */
  get text(): string {
    return Buffer.concat(this.written).toString();
  }
  write(bytes: Uint8Array): boolean {
    this.written.push(bytes);
    this.room -= 1;
    if (this.room <= 0) this.bufferedBytes += bytes.length;
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

function subscribe(room: number, bounds: Partial<SubscriberOptions> = {}, before: string[] = []) {
  const connection = new NarrowConnection(room);
  const metrics = new ReplicationMetrics();
  const overflows: string[] = [];
  const backlog = new Backlog({ shards: 1, maxBytes: 1_000 });
  let next = 1n;
  const push = (text: string) => {
    backlog.push(0, Buffer.from(text), next, next);
    next += 1n;
  };
  for (const text of before) push(text);
  const subscriber: Subscriber = new Subscriber(connection, backlog, {
    maxQueueFrames: 3,
    maxQueueBytes: 1_000,
    metrics,
    overflowed: (reason, flag) => {
      overflows.push(`${reason} (${flag})`);
      subscriber.close();
    },
    interrupted: (reason) => overflows.push(reason),
    ...bounds,
  });
  made.push(subscriber);
  const offer = (text: string) => {
    push(text);
    backlog.deliver();
    backlog.invariants();
    subscriber.invariants();
  };
  const drain = (nextRoom: number) => {
    connection.room = nextRoom;
    connection.bufferedBytes = 0;
    subscriber.drained();
  };
  return { connection, metrics, subscriber, backlog, offer, drain, overflows };
}

describe('a subscriber', () => {
  it('writes straight to a connection that takes it', () => {
    const { connection, subscriber, offer, metrics } = subscribe(100);
    subscriber.start(() => {});
    offer('a');
    offer('b');
    expect(connection.text).toBe('ab');
    expect(metrics.queueHighWatermark).toBe(0);
    expect(subscriber.watermarks).toEqual([2n]);
  });

  it('waits until it starts, then sends what is lacked first', () => {
    const { connection, subscriber, offer } = subscribe(100, {}, ['old1', 'old2', 'old3']);
    expect(connection.written).toEqual([]);
    let caughtUpAfter = '';
    subscriber.start(() => {
      caughtUpAfter = connection.text;
    }, [1n]);
    expect(caughtUpAfter).toBe('old2old3');
    offer('live');
    expect(connection.text).toBe('old2old3live');
  });

  it('sends what was published before it started, behind nothing', () => {
    const { connection, subscriber, offer } = subscribe(100, {}, ['old']);
    offer('live');
    subscriber.start(() => {});
    expect(connection.text).toBe('live');
  });

  it('goes on in order as the connection drains', () => {
    const { connection, subscriber, offer, drain, metrics } = subscribe(1, { maxQueueFrames: 10 }, ['old']);
    subscriber.start(() => {}, [0n]);
    offer('a');
    offer('b');
    expect(connection.text).toBe('old');
    expect(metrics.queueDepth).toBe(2);
    drain(1);
    expect(connection.text).toBe('oldab');
    offer('c');
    drain(10);
    expect(connection.text).toBe('oldabc');
    expect(metrics).toMatchObject({ queueDepth: 0, queueHighWatermark: 2 });
  });

  it('sends frames of a bootstrap where they were inserted', () => {
    const { connection, subscriber, offer, drain } = subscribe(1, { maxQueueFrames: 10 });
    subscriber.start(() => {});
    const taken: string[] = [];
    offer('1');
    subscriber.insert(Buffer.from('[x]'), () => taken.push('x'));
    offer('2');
    subscriber.insert(Buffer.from('[y]'), () => taken.push('y'));
    offer('3');
    expect(connection.text).toBe('1');
    drain(2);
    expect(connection.text).toBe('1[x]2');
    expect(taken).toEqual(['x']);
    drain(10);
    expect(connection.text).toBe('1[x]2[y]3');
    expect(taken).toEqual(['x', 'y']);
  });

  it('may have as many frames waiting as its bound, and has overflowed with the next', () => {
    const { connection, subscriber, offer, drain, overflows } = subscribe(1);
    subscriber.start(() => {});
    for (const text of ['sent', 'q1', 'q2', 'q3']) offer(text);
    expect(overflows).toEqual([]);
    expect(subscriber.queuedBytes).toBe(6);
    offer('over');
    offer('later');
    expect(overflows).toEqual(['4 frames wait for it, and at most 3 may (--subscriber-queue)']);
    drain(10);
    expect(connection.text).toBe('sent');
  });

  it('has overflowed when the bytes pass their bound, however few the frames', () => {
    const { subscriber, offer, overflows } = subscribe(1, { maxQueueBytes: 10 });
    subscriber.start(() => {});
    offer('sent');
    offer('0123456789');
    expect(overflows).toEqual([]);
    expect(subscriber.queuedBytes).toBe(10);
    offer('x');
    expect(overflows).toEqual(['11 bytes wait for it, and at most 10 may (--subscriber-bytes)']);
    expect(subscriber.queuedBytes).toBe(0);
  });

  it('has overflowed while it has not started, too', () => {
    const { connection, subscriber, offer, overflows } = subscribe(100, { maxQueueFrames: 1 });
    offer('a');
    offer('b');
    expect(overflows).toHaveLength(1);
    subscriber.start(() => {});
    expect(connection.written).toEqual([]);
  });

  it('does not count what is lacked against the bounds, which the backlog keeps anyway', () => {
    const before = ['1', '2', '3', '4', '5', '6'];
    const { connection, subscriber, offer, drain, overflows } = subscribe(0, {}, before);
    subscriber.start(() => {}, [0n]);
    for (const text of ['a', 'b', 'c']) offer(text);
    expect(overflows).toEqual([]);
    drain(10);
    expect(connection.text).toBe('123456abc');
  });

  it('holds nothing once it is closed', () => {
    const { subscriber, offer, metrics, overflows } = subscribe(1);
    subscriber.start(() => {});
    for (const text of ['sent', 'q1', 'q2']) offer(text);
    subscriber.close();
    expect(subscriber.queuedBytes).toBe(0);
    expect(metrics).toMatchObject({ queueDepth: 0, drops: 0 });
    expect(overflows).toEqual([]);
  });

  it('keeps the watermarks at which it was closed, when the log has long passed them', () => {
    const { subscriber, offer } = subscribe(1, { maxQueueFrames: Number.POSITIVE_INFINITY });
    subscriber.start(() => {});
    offer('sent');
    subscriber.close();
    for (let index = 0; index < 20; index += 1) offer('x'.repeat(1_000));
    expect(subscriber.watermarks).toEqual([1n]);
  });

  it('that pauses sends the rest of a frame, then waits for room and goes on with what is new', () => {
    let roomMade = 0;
    const { connection, subscriber, backlog, offer, drain } = subscribe(1, {
      maxQueueBytes: 10_000,
      overflowed: () =>
        subscriber.pause(() => {
          roomMade += 1;
          subscriber.insert(Buffer.from('[snapshot]'));
        }),
    });
    subscriber.start(() => {});
    const torn = 'torn'.repeat(2_000);
    offer(torn);
    expect(connection.text.length).toBeLessThan(torn.length);
    offer('lost'.repeat(3_000));
    offer('lost');
    expect(roomMade).toBe(0);
    expect(subscriber.queuedBytes).toBe(0);
    expect(connection.text).toBe(torn);
    drain(100);
    expect(roomMade).toBe(1);
    offer('new');
    expect(connection.text).toBe(`${torn}[snapshot]new`);
    backlog.invariants();
  });
});
