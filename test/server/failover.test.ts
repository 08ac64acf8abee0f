/** Failovers of nodes as they ship, in a virtual world where links are cut and processes die on the way. */
import { beforeEach, describe, expect, it } from 'vitest';
import { NodeWorld, type StartedNode } from '../support/node-world.js';
import type { VirtualConnection } from '../support/virtual-transport.js';

const [PRIMARY, HEIR, OTHER] = [7001, 7002, 7003];
const key = (index: number) => Buffer.from(`key:${index}`);

let nodes: NodeWorld;
let primary: StartedNode;
let heir: StartedNode;
let other: StartedNode;
let written = 0;

beforeEach(async () => {
  nodes = new NodeWorld();
  primary = await nodes.start(PRIMARY);
  heir = await nodes.start(HEIR, PRIMARY);
  other = await nodes.start(OTHER, PRIMARY);
  written = 0;
  write(primary, 20);
  await nodes.until(() => areLevel());
});

function write({ node }: StartedNode, count: number): void {
  for (const until = written + count; written < until; written += 1)
    node.engine.set(key(written), key(written));
  node.endTurn();
}

function areLevel(): boolean {
  return nodes.isLevel(primary.node, heir.node, other.node);
}

function expectAllWritten({ node }: StartedNode): void {
  for (let index = 0; index < written; index += 1) {
    expect(node.engine.get(key(index))?.toString()).toBe(`key:${index}`);
  }
}

/** The ends of the link of a replica with whom it follows, that of the primary last. */
function linkOf(replica: StartedNode): [VirtualConnection, VirtualConnection] {
  const pair = nodes.transport.pairs.find(
    ({ client, server }) => client.process === replica.process && !client.closed && !server.closed,
  );
  return [pair!.client, pair!.server];
}

const snapshots = () =>
  [primary, heir, other].reduce((sum, { node }) => sum + node.metrics.catchUpSnapshotCount, 0);
const to = `127.0.0.1:${HEIR}`;

describe('a primary that hands over', () => {
  it('waits for the replica that is named, follows it, and nobody lacks a write or is given a snapshot', async () => {
    write(primary, 30);
    expect(primary.node.failover.begin({ to })).toBeUndefined();
    expect(primary.node.failover.state).toBe('waiting-for-sync');
    await nodes.until(() => primary.node.failover.state === 'failover-in-progress');
    expect(primary.node.isReplica).toBe(false);
    await nodes.until(() => primary.node.isReplica);
    expect(primary.node.failover.state).toBe('no-failover');
    expect(heir.node.isReplica).toBe(false);
    write(heir, 30);
    await nodes.until(areLevel);
    for (const node of [primary, heir, other]) expectAllWritten(node);
    expect(primary.node.primary).toEqual(heir.at);
    expect(snapshots()).toBe(2);
  });

  it('takes the replica that has all first when none is named', async () => {
    for (const end of linkOf(heir)) end.stall();
    write(primary, 5);
    primary.node.failover.begin({});
    await nodes.until(() => primary.node.isReplica);
    expect(primary.node.primary).toEqual(other.at);
    expectAllWritten(other);
  });

  it('holds back what changes content by itself, until it is over', async () => {
    primary.node.engine.set(
      Buffer.from('brief'),
      key(1),
      BigInt(Math.trunc(nodes.world.seams.clock.nowMs()) + 300),
    );
    await nodes.until(areLevel);
    linkOf(heir)[0].stall();
    primary.node.failover.begin({ to, timeoutMs: 2_000 });
    const before = primary.node.engine.watermarks();
    await nodes.run(1_500);
    expect(primary.node.engine.watermarks()).toEqual(before);
    await nodes.until(() => primary.node.failover.state === 'no-failover');
    await nodes.run(500);
    expect(primary.node.engine.watermarks()).not.toEqual(before);
  });

  it('gives up when no replica has all in time, and goes on', async () => {
    linkOf(heir)[0].stall();
    write(primary, 5);
    primary.node.failover.begin({ to, timeoutMs: 1_000 });
    await nodes.run(999);
    expect(primary.node.failover.state).toBe('waiting-for-sync');
    await nodes.run(2);
    expect(primary.node.failover.state).toBe('no-failover');
    expect(primary.node.failover.lastFault).toBe('no replica had all within 1000 ms');
    expect([primary.node.isReplica, heir.node.isReplica]).toEqual([false, true]);
    linkOf(heir)[0].unstall();
    write(primary, 5);
    await nodes.until(areLevel);
  });

  it('orders one by force that has acknowledged nothing, and then takes what that has', async () => {
    const [up] = linkOf(heir);
    up.stall();
    write(primary, 5);
    primary.node.failover.begin({ to, timeoutMs: 1_000, isForced: true });
    await nodes.run(1_100);
    expect(primary.node.failover.state).toBe('failover-in-progress');
    expect(heir.node.isReplica).toBe(false);
    await nodes.until(areLevel);
    expect(primary.node.primary).toEqual(heir.at);
    expectAllWritten(primary);
  });

  it('can be called off while it waits, and not while the replica may obey', async () => {
    const [up, down] = linkOf(heir);
    up.stall();
    write(primary, 5);
    primary.node.failover.begin({ to });
    await nodes.run(1_000);
    expect(primary.node.failover.abort()).toBeUndefined();
    expect(primary.node.failover.state).toBe('no-failover');
    expect(primary.node.failover.abort()).toBe('No failover in progress.');
    up.unstall();
    await nodes.until(areLevel);
    primary.node.failover.begin({ to });
    await nodes.until(() => primary.node.failover.state === 'failover-in-progress');
    down.stall();
    expect(primary.node.failover.abort()).toMatch(/^FAILOVER cannot be aborted yet: .*ordered to take over/);
    down.unstall();
    await nodes.until(() => primary.node.isReplica);
  });

  it('refuses another failover meanwhile, and an address at which no replica is', () => {
    const { failover } = primary.node;
    expect(failover.begin({ to: '127.0.0.1:1' })).toBe('FAILOVER target HOST and PORT is not a replica.');
    expect(failover.begin({ isForced: true })).toMatch(/requires both a timeout/);
    expect(failover.begin({})).toBeUndefined();
    expect(failover.begin({})).toBe('FAILOVER already in progress.');
    expect(heir.node.failover.begin({})).toBe('FAILOVER is not valid when server is a replica.');
  });

  it('does not order a replica at whose address another one answers', async () => {
    nodes.transport.reception = ({ port }) => (port === HEIR ? 'refused' : 'open');
    primary.node.failover.begin({ to });
    await nodes.until(() => primary.node.failover.state === 'no-failover');
    expect(primary.node.failover.lastFault).toMatch(/cannot be followed.*7002/);
    expect(primary.node.isReplica).toBe(false);
  });

  it('ends its failover when it is closed', async () => {
    linkOf(heir)[0].stall();
    write(primary, 5);
    primary.node.failover.begin({ to });
    const closed = primary.node.close();
    await nodes.run(3_000);
    await closed;
    expect(primary.process.timers).toBe(0);
  });

  it('follows nobody any more while it is being closed, whoever has taken over', async () => {
    let endMetrics = () => {};
    const metrics = { address: '', close: () => new Promise<void>((resolve) => (endMetrics = resolve)) };
    primary = await nodes.start(7004, undefined, async () => metrics);
    heir.node.follow(primary.at);
    await nodes.until(() => nodes.isLevel(primary.node, heir.node));
    primary.node.failover.begin({ to });
    await nodes.until(() => primary.node.failover.state === 'failover-in-progress');
    const [up, down] = linkOf(heir);
    up.stall();
    await nodes.until(() => !heir.node.isReplica);
    down.break();
    const closed = primary.node.close();
    await nodes.run(3_000);
    endMetrics();
    await nodes.run(3_000);
    await closed;
    expect(primary.node.events.recentLog.lines.map(({ message }) => message).join()).not.toMatch(
      'has taken over',
    );
    expect(primary.node.isReplica).toBe(false);
    expect(primary.process.timers).toBe(0);
  });
});

describe('when the replica dies', () => {
  it('before it has all, it is waited for until the time is over', async () => {
    linkOf(heir)[0].stall();
    write(primary, 5);
    primary.node.failover.begin({ to, timeoutMs: 2_000 });
    await nodes.run(500);
    heir.process.kill();
    await nodes.until(() => primary.node.failover.state === 'no-failover');
    expect(primary.node.isReplica).toBe(false);
  });

  it('behind the order, writes wait until an operator says that it is dead', async () => {
    primary.node.failover.begin({ to });
    await nodes.until(() => primary.node.failover.state === 'failover-in-progress');
    heir.process.kill();
    await nodes.run(30_000);
    expect(primary.node.failover.state).toBe('failover-in-progress');
    expect(primary.node.failover.abort()).toBeUndefined();
    expect(primary.node.failover.lastFault).toBe('an operator has asked for it');
    write(primary, 5);
    await nodes.until(() => nodes.isLevel(primary.node, other.node));
  });

  it('having promoted itself, and its answer is lost, the primary finds it at its address', async () => {
    primary.node.failover.begin({ to });
    await nodes.until(() => primary.node.failover.state === 'failover-in-progress');
    const [up, down] = linkOf(heir);
    up.stall();
    await nodes.until(() => !heir.node.isReplica);
    down.break();
    write(heir, 5);
    await nodes.until(areLevel);
    expect(primary.node.primary).toEqual(heir.at);
    for (const node of [primary, other]) expectAllWritten(node);
    expect(snapshots()).toBe(2);
  });
});

describe('when the link is lost behind the order', () => {
  it('and the replica is back with the same history, the primary takes writes again', async () => {
    primary.node.failover.begin({ to });
    await nodes.until(() => primary.node.failover.state === 'failover-in-progress');
    const [up, down] = linkOf(heir);
    down.stall();
    up.break();
    await nodes.until(() => primary.node.failover.state === 'no-failover');
    expect(primary.node.failover.lastFault).toMatch(/is back and has not promoted itself/);
    expect([primary.node.isReplica, heir.node.isReplica]).toEqual([false, true]);
    write(primary, 5);
    await nodes.until(areLevel);
  });
});

describe('a replica that asks to take over', () => {
  const answerOf = (started: StartedNode, timeoutMs: number) => {
    const answers: unknown[] = [];
    started.node.failover.takeOver(timeoutMs).start((answer) => answers.push(answer));
    return answers;
  };

  it('is answered when it is the primary', async () => {
    write(primary, 5);
    const answers = answerOf(heir, 1_000);
    await nodes.until(() => answers.length > 0);
    expect(answers).toEqual([expect.objectContaining({ text: 'OK' })]);
    expect(heir.node.isReplica).toBe(false);
    await nodes.until(areLevel);
    expect(primary.node.primary).toEqual(heir.at);
    expect(answerOf(heir, 1_000)).toEqual([expect.objectContaining({ text: 'OK' })]);
  });

  it('is told why not when the primary is busy with another', async () => {
    primary.node.failover.begin({ to: `127.0.0.1:${OTHER}` });
    const answers = answerOf(heir, 1_000);
    await nodes.until(() => answers.length > 0);
    expect(answers).toEqual([
      expect.objectContaining({ text: expect.stringMatching(/takeover: .*already/) }),
    ]);
  });

  it('is told why not when it does not have all in time', async () => {
    const [, down] = linkOf(heir);
    down.stall();
    write(primary, 5);
    const answers = answerOf(heir, 100);
    await nodes.run(200);
    expect(primary.node.failover.state).toBe('no-failover');
    down.unstall();
    await nodes.until(() => answers.length > 0);
    expect(answers).toEqual([
      expect.objectContaining({ text: expect.stringMatching(/had all within 100 ms/) }),
    ]);
    expect(heir.node.isReplica).toBe(true);
  });

  it('keeps its link when whoever has asked there leaves before the answer', async () => {
    const [, down] = linkOf(heir);
    down.stall();
    write(primary, 5);
    const leave = heir.node.failover.takeOver(100).start(() => {});
    leave();
    await nodes.run(200);
    expect(primary.node.failover.lastFault).toMatch(/had all within 100 ms/);
    down.unstall();
    await nodes.until(areLevel);
    await nodes.run(1_000);
    expect(linkOf(heir)[1]).toBe(down);
  });

  it('is told so when its link is lost', async () => {
    linkOf(heir)[0].stall();
    const answers = answerOf(heir, 1_000);
    linkOf(heir)[0].break();
    expect(answers).toEqual([expect.objectContaining({ text: expect.stringMatching(/link .* lost/) })]);
  });
});
