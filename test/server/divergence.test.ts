/** Nodes in a virtual world whose content comes to differ: it is found, said everywhere, and mended. */
import { describe, expect, it } from 'vitest';
import { NO_EXPIRY } from '../../src/frame/batch.js';
import {
  RECORD_EXPIRY_AT,
  RECORD_HEADER_BYTES,
  RECORD_KEY_BYTES_AT,
  RECORD_OP_AT,
  RECORD_VALUE_BYTES_AT,
} from '../../src/kernel/layout.js';
import type { NodeEvents } from '../../src/server/events.js';
import { readiness } from '../../src/status/metrics/readiness.js';
import { replicationFields } from '../../src/status/replication-info.js';
import { statusDocument } from '../../src/status/status-document.js';
import { encodeStatus, readStatus } from '../../src/status/status-payload.js';
import { checkEndpoints } from '../../src/status/watermarks-check.js';
import { type FlippedPart, flipBit } from '../support/bit-flips.js';
import { contentOf } from '../support/engines.js';
import { type NodeOptions, NodeWorld, type StartedNode } from '../support/node-world.js';
import { RandomSource } from '../support/random.js';

const bytes = (text: string) => Buffer.from(text);
const key = bytes('key');
/** A heartbeat, and what it takes to answer it. */
const HEARTBEAT_MS = 1_100;

interface Trio {
  nodes: NodeWorld;
  top: StartedNode;
  middle: StartedNode;
  leaf: StartedNode;
  /** The `diverged` events and the errors that were logged, by port. */
  events: NodeEvents['diverged'][];
  errors: string[];
}

/** A primary, a replica, and a replica of that. */
async function trio(options: NodeOptions = {}, ofTop: NodeOptions = options): Promise<Trio> {
  const nodes = new NodeWorld();
  const top = await nodes.start(7001, undefined, undefined, { shards: 1, ...ofTop });
  const middle = await nodes.start(7002, 7001, undefined, options);
  const leaf = await nodes.start(7003, 7002, undefined, options);
  const events: NodeEvents['diverged'][] = [];
  const errors: string[] = [];
  for (const { node } of [top, middle, leaf]) {
    node.events.on('diverged', (event) => events.push(event));
    node.events.on('log', ({ level, message }) => level === 'error' && errors.push(message));
  }
  for (let n = 0; n < 50; n += 1) top.node.engine.set(bytes(`key:${n}`), bytes(`value ${n}`));
  top.node.engine.set(key, bytes('right'));
  nodes.world.runUntil(() => nodes.isLevel(top.node, middle.node, leaf.node));
  nodes.world.run(HEARTBEAT_MS);
  return { nodes, top, middle, leaf, events, errors };
}

/** Changes what a replica holds behind its back: as though a record were applied wrongly. */
function spoil({ node }: StartedNode): void {
  node.engine.set(key, bytes('wrong'));
}

function isEqual(...nodes: StartedNode[]): boolean {
  const [first, ...others] = nodes.map(({ node }) => JSON.stringify([...contentOf(node.engine)].sort()));
  return others.every((other) => other === first);
}

describe('a replica that holds something else', () => {
  it('finds it with the next heartbeat, and takes a snapshot on its connection', async () => {
    const { nodes, top, middle, leaf, events, errors } = await trio();
    const connections = middle.node.metrics.linkAttempts;
    spoil(middle);
    expect(events).toEqual([]);
    nodes.world.runUntil(() => events.length > 0, HEARTBEAT_MS);
    expect(events).toMatchObject([{ event: 'diverged', shards: [0], action: 'resync' }]);
    expect(errors.join()).toContain('the digests differ of shards 0');
    // The old content stays readable until the new content is whole.
    expect(middle.node.engine.get(key)?.toString()).toBe('wrong');
    nodes.world.runUntil(() => isEqual(top, middle, leaf));
    nodes.world.run(3 * HEARTBEAT_MS);
    expect(middle.node.metrics.linkAttempts).toBe(connections);
    expect(middle.node.report().diverges).toBeUndefined();
    expect(events).toHaveLength(1);
    expect([top, middle].map(({ node }) => node.metrics.divergences)).toEqual([1, 1]);
  });

  it('stops the second time within an hour, and says so', async () => {
    const { nodes, top, middle, leaf, events, errors } = await trio();
    spoil(leaf);
    top.node.engine.set(bytes('another'), bytes('1'));
    nodes.world.runUntil(() => events.length === 1 && isEqual(top, middle, leaf));
    spoil(leaf);
    top.node.engine.set(bytes('another'), bytes('2'));
    nodes.world.runUntil(() => leaf.node.following?.follower.state.name === 'stopped', 5_000);
    expect(events.map(({ action }) => action)).toEqual(['resync', 'stop']);
    expect(errors.join()).toContain('It is the second time within an hour.');
    expect(leaf.node.engine.get(key)?.toString()).toBe('wrong');
    expect(leaf.node.report().diverges?.shards).toEqual([0]);
  });

  it.each(['stop', 'log'] as const)('does with --on-divergence %s what that says', async (onDivergence) => {
    const { nodes, top, middle, events } = await trio({ onDivergence });
    spoil(middle);
    top.node.engine.set(bytes('another'), bytes('1'));
    nodes.world.run(5_000);
    expect(events).toMatchObject([{ shards: [0], action: onDivergence }]);
    const state = onDivergence === 'stop' ? 'stopped' : 'live';
    expect(middle.node.following?.follower.state.name).toBe(state);
    expect(middle.node.engine.get(key)?.toString()).toBe('wrong');
    if (onDivergence === 'stop') return;
    // A write of the key ends it by itself.
    expect(top.node.listener?.replicas()[0]?.diverges?.shards).toEqual([0]);
    top.node.engine.set(key, bytes('new'));
    nodes.world.run(2 * HEARTBEAT_MS);
    expect(middle.node.report().diverges).toBeUndefined();
    expect(top.node.listener?.replicas()[0]?.diverges).toBeUndefined();
  });

  it('is found at a leaf although the relay between holds the same', async () => {
    const { nodes, top, middle, leaf } = await trio({ onDivergence: 'log' });
    spoil(middle);
    spoil(leaf);
    top.node.engine.set(bytes('another'), bytes('1'));
    nodes.world.run(2 * HEARTBEAT_MS);
    expect(middle.node.report().diverges?.shards).toEqual([0]);
    expect(leaf.node.report().diverges?.shards).toEqual([0]);
  });

  it('is news in INFO, to probes, and to checks of both sides', async () => {
    const { nodes, top, middle } = await trio({ onDivergence: 'log' });
    spoil(middle);
    top.node.engine.set(bytes('another'), bytes('1'));
    nodes.world.run(2 * HEARTBEAT_MS);
    expect(replicationFields(middle.node.report())).toMatchObject({
      diverges_shards: '0',
      slave_priority: 0,
    });
    expect(readiness(middle.node.report(), undefined)).toEqual({
      isReady: false,
      reason: 'not ready: its content is not what it should be (shards 0)',
    });
    expect(readiness(top.node.report(), undefined).isReady).toBe(true);
    for (const { node } of [top, middle]) {
      const details = { version: '1', metrics: { ...node.metrics.snapshot(), lastSnapshotMs: 0 } };
      const status = readStatus(encodeStatus(statusDocument(node.report(), details)!));
      const { watermarks, history, base, role } = status;
      const answer = { endpoint: '127.0.0.1:7001', role, history, base, watermarks, status };
      const rules = { expected: 1, ignoresGone: false, maxLagMs: undefined, maxLagRecords: undefined };
      const { state, findings } = checkEndpoints([answer], rules);
      expect(state).toBe('CRITICAL');
      expect(findings[0]!.text).toMatch(/(what it should be|what this one has): shard 0 since 2/);
    }
  });
});

describe('digests are not compared', () => {
  it.each([
    ['that the primary keeps none', {}, { digests: false }],
    ['that the replica keeps none', { digests: false }, {}],
    ['that keys are routed otherwise there', { route: 'full-key' }, { route: 'session-prefix' }],
  ] as const)('where it is %s', async (_, options, ofTop) => {
    const { nodes, top, middle, events } = await trio({ onDivergence: 'log', ...options }, ofTop);
    spoil(middle);
    top.node.engine.set(bytes('another'), bytes('1'));
    nodes.world.run(3 * HEARTBEAT_MS);
    expect(events).toEqual([]);
    expect(middle.node.report().diverges).toBeUndefined();
  });
});

describe('memory that is not what was written', () => {
  it('is found within one heartbeat in a replica, 1,000 bits of 1,000', async () => {
    const { nodes, top, middle, leaf } = await trio({ onDivergence: 'log' }, { shards: 1024 });
    const random = new RandomSource(21);
    const keys = new Map<number, Buffer>();
    for (let n = 0; keys.size < 1000; n += 1) {
      const name = bytes(`flip:${n}`);
      const { shard } = top.node.engine.route(name);
      if (keys.has(shard)) continue;
      keys.set(shard, name);
      const expiry = BigInt(Math.ceil(top.process.seams.clock.nowMs()) + 1_000_000 + n);
      top.node.engine.set(name, random.bytes(1 + random.below(200)), expiry);
    }
    nodes.world.run(2 * HEARTBEAT_MS);
    expect(nodes.isLevel(top.node, middle.node, leaf.node)).toBe(true);
    expect(middle.node.report().diverges).toBeUndefined();
    for (const name of keys.values()) {
      flipBit(middle.node.engine, name, random.pick<FlippedPart>(['key', 'value', 'expiry']), random);
    }
    nodes.world.run(HEARTBEAT_MS);
    expect(middle.node.report().diverges?.shards).toHaveLength(1000);
    expect(leaf.node.report().diverges).toBeUndefined();
  });

  it('has a replica take a snapshot', async () => {
    const { nodes, top, middle, leaf, events } = await trio();
    flipBit(middle.node.engine, key, 'value', new RandomSource(22));
    nodes.world.runUntil(() => events.length > 0, HEARTBEAT_MS);
    nodes.world.runUntil(() => isEqual(top, middle, leaf));
    expect(events).toMatchObject([{ shards: [0], action: 'resync' }]);
  });

  it('is said by a primary, which has nobody to take it from', async () => {
    const { nodes, top, events, errors } = await trio();
    flipBit(top.node.engine, key, 'value', new RandomSource(23));
    nodes.world.run(5 * HEARTBEAT_MS);
    expect(events).toMatchObject([{ shards: [0], action: 'log' }]);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain('the record of key "key" is not what was written to it');
    expect(readiness(top.node.report(), undefined).isReady).toBe(false);
    expect(replicationFields(top.node.report())).toMatchObject({ diverges_shards: '0' });
  });
});

/** Where a payload's first record begins. */
const RECORD_AT = 4;

function withoutValue(payload: Buffer, op: number): Buffer {
  payload[RECORD_AT + RECORD_OP_AT] = op;
  payload.writeUInt32LE(0, RECORD_AT + RECORD_VALUE_BYTES_AT);
  const keyBytes = payload.readUInt32LE(RECORD_AT + RECORD_KEY_BYTES_AT);
  return payload.subarray(0, RECORD_AT + RECORD_HEADER_BYTES + keyBytes);
}

describe('a record that a replica applies wrongly', () => {
  /** So many shards are told of in one heartbeat. */
  const CASES = 250;
  const random = new RandomSource(31);

  /** Makes another payload of one with a record of 53 bytes before key and value, whose sequence stays. */
  const wrongs: Record<string, (payload: Buffer) => Buffer> = {
    // Of a key that is there a Set becomes a persist, which changes nothing.
    'that is dropped': (payload) => {
      payload.writeBigUInt64LE(NO_EXPIRY, RECORD_AT + RECORD_EXPIRY_AT);
      return withoutValue(payload, 3);
    },
    'that deletes what it should set': (payload) => withoutValue(payload, 2),
    'that has another value': (payload) => {
      payload[payload.length - 1]! ^= 1 << random.below(8);
      return payload;
    },
    'that has another expiry': (payload) => {
      payload.writeBigUInt64LE(9_000_000_000_000n, RECORD_AT + RECORD_EXPIRY_AT);
      return payload;
    },
  };

  it.each(Object.keys(wrongs))('%s is found within two heartbeats, each of 250', async (kind) => {
    const { nodes, top, middle } = await trio({ onDivergence: 'log' }, { shards: 256 });
    const keys = new Map<number, Buffer>();
    for (let n = 0; keys.size < CASES; n += 1) {
      const name = bytes(`wrong:${n}`);
      const { shard } = top.node.engine.route(name);
      if (!keys.has(shard)) keys.set(shard, name);
    }
    for (const name of keys.values()) top.node.engine.set(name, bytes('before'));
    nodes.world.run(2 * HEARTBEAT_MS);
    const { engine } = middle.node;
    const apply = engine.apply.bind(engine);
    engine.apply = (payload) => {
      expect(payload[0]).toBe(1);
      return apply(wrongs[kind]!(Buffer.from(payload)));
    };
    for (const name of keys.values()) top.node.engine.set(name, bytes('after'));
    nodes.world.run(2 * HEARTBEAT_MS);
    expect(middle.node.report().diverges?.shards).toHaveLength(CASES);
    expect(nodes.isLevel(top.node, middle.node)).toBe(true);
  });
});
