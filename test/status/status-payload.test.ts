/** The Status document on the wire: written by one side, distrusted by the other. */
import fc from 'fast-check';
import { Packr, unpack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { FastcacheError } from '../../src/errors.js';
import { STATUS_MAX_BYTES } from '../../src/limits.js';
import { ReplicationMetrics } from '../../src/replication/metrics.js';
import { type ReplicaStatus, servingReport } from '../../src/status/report.js';
import { replicasInRoom, statusDocument } from '../../src/status/status-document.js';
import { encodeStatus, readStatus } from '../../src/status/status-payload.js';
import { standingOf } from '../../src/status/watermarks.js';
import {
  lagging,
  replicaReport,
  statusDocument as sample,
  snapshotReplica,
} from '../support/status-documents.js';
import { clustersOf, fill, isEqual } from '../support/virtual-clusters.js';

const cluster = clustersOf('map');
/** A document that a test may change in any way. */
// biome-ignore lint/suspicious/noExplicitAny: anything may stand anywhere in it
type Changeable = Record<string, any>;

const packr = new Packr({ useRecords: false, variableMapSize: true });

function readChanged(change: (document: Changeable) => void): unknown {
  const document = structuredClone(sample()) as unknown as Changeable;
  change(document);
  return readStatus(packr.pack(document));
}

describe('a Status document', () => {
  it.each([
    ['of a primary', sample()],
    ['that lacks what may be lacking', sample({ history: null, base: null, replicas: [] })],
    [
      'of a relay',
      sample({
        role: 'replica',
        link: { primary: '10.0.0.1:7631', state: 'live', sinceHeardMs: 12, lagMs: null },
      }),
    ],
    [
      'with replicas of every kind',
      sample({
        replicas: [
          replicaReport({ announced: '10.0.0.7:6381' }),
          lagging(12, 340),
          lagging(99, null, { state: 'gone', canResume: false, leewayMs: null }),
          replicaReport({ acknowledges: false, sinceAckSeconds: 7 }),
          snapshotReplica(),
        ],
      }),
    ],
    [
      'with numbers of every size',
      sample({
        watermarks: [0n, 2n ** 64n - 1n],
        metrics: { a: 0, b: 2 ** 31, c: 2 ** 40, d: Number.MAX_SAFE_INTEGER },
      }),
    ],
  ])('%s is read as it was written', (_, document) => {
    expect(readStatus(encodeStatus(document))).toEqual(document);
    // A reader of msgpack that is not ours understands it too.
    expect(unpack(encodeStatus(document))).toMatchObject({ version: '0.1.0', role: document.role });
  });

  it('may say more than is known here', () => {
    const read = readChanged((document) => {
      document.more = { deep: [1, 2] };
      document.replicas[0].colour = 'blue';
      document.backlog.weight = 1.5;
    });
    expect(read).toEqual(sample());
  });

  it.each<[string, (document: Changeable) => void]>([
    ['no version', (document) => delete document.version],
    ['a version of 301 characters', (document) => (document.version = 'x'.repeat(301))],
    ['an unknown role', (document) => (document.role = 'sentinel')],
    ['a history that is none', (document) => (document.history = '\u001b[2J')],
    ['no watermarks', (document) => (document.watermarks = [])],
    [
      'more watermarks than shards there can be',
      (document) => (document.watermarks = new Array(1_025).fill(1)),
    ],
    ['a negative watermark', (document) => (document.watermarks[0] = -1)],
    ['a watermark that is a text', (document) => (document.watermarks[0] = '1')],
    ['a watermark that is no whole number', (document) => (document.watermarks[0] = 1.5)],
    ['no backlog', (document) => (document.backlog = null)],
    ['too few of earliest', (document) => document.backlog.earliest.pop()],
    ['too many of earliest', (document) => document.backlog.earliest.push(1n)],
    ['a window without end', (document) => (document.backlog.windowMs = Number.POSITIVE_INFINITY)],
    ['a negative window', (document) => (document.backlog.windowMs = -1)],
    ['bytes that are no number', (document) => (document.backlog.bytes = Number.NaN)],
    ['replicas that are a map', (document) => (document.replicas = {})],
    ['a replica that is a number', (document) => document.replicas.push(7)],
    ['a replica without an address', (document) => delete document.replicas[0].address],
    ['a replica that announces a number', (document) => (document.replicas[0].announced = 6_381)],
    ['a replica in an unknown state', (document) => (document.replicas[0].state = 'lost')],
    ['a replica with too few watermarks', (document) => document.replicas[0].watermarks.pop()],
    ['a replica with lags of too many shards', (document) => document.replicas[0].shardLagMs.push(0)],
    ['a replica with a lag and without shards’', (document) => (document.replicas[0].shardLagRecords = [])],
    ['a replica whose lag is a text', (document) => (document.replicas[0].lagMs = '12')],
    ['a link that is a text', (document) => (document.link = 'up')],
    [
      'a link without a primary',
      (document) => (document.link = { state: 'live', sinceHeardMs: 0, lagMs: 0 }),
    ],
    ['metrics that are a list', (document) => (document.metrics = [])],
    ['a metric that is a text', (document) => (document.metrics.sentRecords = 'many')],
    [
      'too many metrics',
      (document) => {
        for (let index = 0; index < 300; index += 1) document.metrics[`m${index}`] = index;
      },
    ],
  ])('with %s is refused', (_, change) => {
    expect(() => readChanged(change)).toThrow(expect.objectContaining({ code: 'FCRP_STATUS_MALFORMED' }));
  });

  it('that is a question is no answer', () => {
    expect(() => readStatus(new Uint8Array(0))).toThrow(
      expect.objectContaining({ code: 'FCRP_STATUS_MALFORMED' }),
    );
  });

  it('is read or refused with a code, whatever byte of it is another', () => {
    const payload = encodeStatus(sample({ replicas: [replicaReport(), lagging(3, 4)] }));
    fc.assert(
      fc.property(fc.nat(payload.length - 1), fc.nat(255), (at, byte) => {
        const damaged = Buffer.from(payload);
        damaged[at] = byte;
        try {
          readStatus(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(FastcacheError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('what a primary tells', () => {
  async function withReplica(shards = 4) {
    const opened = await cluster({ store: { shards } });
    const { world, primary, follow } = opened;
    const replica = follow();
    fill(primary, 0, 200);
    world.runUntil(() => isEqual(primary, replica));
    world.run(200);
    const nowMs = world.seams.clock.nowMs();
    const serving = servingReport({
      stream: primary.publisher,
      listener: primary.listener,
      backlogBytes: 1_048_576,
      nowMs,
    });
    const replicas = (count = 1): ReplicaStatus[] => {
      const [status] = serving.connected;
      const behind = { records: 2 ** 50, bytes: 2 ** 50, ms: 2 ** 50 };
      const lag = { ...behind, shards: new Array(shards).fill(behind) };
      return new Array(count).fill({ ...status!, address: `[${'f'.repeat(39)}]:65535`, lag });
    };
    const document = (connected: readonly ReplicaStatus[], { isBrief = false } = {}) =>
      statusDocument(
        {
          role: 'primary',
          history: primary.history,
          offsetRecords: serving.offsetRecords,
          serving: { ...serving, connected },
          link: undefined,
          lacksData: false,
          goodReplicas: undefined,
          failover: { state: 'no-failover', lastFault: undefined },
        },
        { version: '0.1.0', metrics: isBrief ? undefined : new ReplicationMetrics().snapshot() },
      )!;
    return { ...opened, replicas, document };
  }

  it('is where it stands, and where its replicas do', async () => {
    const { primary, document, replicas } = await withReplica();
    const told = readStatus(encodeStatus(document(replicas())));
    expect(told).toMatchObject({
      history: primary.history.id,
      base: primary.history.base,
      watermarks: primary.publisher.watermarks(),
      backlog: { records: 200, limitBytes: 1_048_576 },
      unlistedReplicas: 0,
    });
    expect(told.backlog.windowMs).toBeGreaterThan(0);
    expect(told.replicas[0]).toMatchObject({
      watermarks: primary.publisher.watermarks(),
      acknowledges: true,
      canResume: true,
    });
  });

  it('of a replica that was sent a snapshot and does not have it whole yet is that it takes it in', async () => {
    const { document, replicas } = await withReplica();
    const [level] = replicas();
    const told = document([
      { ...level!, state: 'live', acknowledged: [], lag: 'snapshot', canResume: false },
    ]);
    expect(told.replicas[0]).toMatchObject({
      state: 'snapshot',
      watermarks: [],
      lagRecords: null,
      lagMs: null,
      shardLagRecords: [],
      canResume: false,
    });
    expect(readStatus(encodeStatus(told))).toEqual(told);
  });

  it('briefly is the same without counters and without what each shard has', async () => {
    const { document, replicas } = await withReplica();
    const { metrics: _metrics, ...full } = document(replicas());
    const brief = readStatus(encodeStatus(document(replicas(), { isBrief: true })));
    expect(brief).toEqual({
      ...full,
      metrics: {},
      backlog: { ...full.backlog, earliest: [] },
      replicas: full.replicas.map((replica) => ({
        ...replica,
        watermarks: [],
        shardLagRecords: [],
        shardLagMs: [],
      })),
    });
    const { watermarks } = full;
    expect(brief.replicas.map((replica) => standingOf(replica, watermarks))).toEqual(['behind']);
  });

  it('briefly has the watermarks of a replica that is ahead, which shows it', async () => {
    const { primary, document, replicas } = await withReplica();
    const [level] = replicas();
    const ahead = primary.publisher.watermarks().map((watermark) => watermark + 1n);
    const brief = document([{ ...level!, acknowledged: ahead }], { isBrief: true });
    expect(brief.replicas[0]!.watermarks).toEqual(ahead);
    expect(standingOf(brief.replicas[0]!, brief.watermarks)).toBe('diverging');
    expect(readStatus(encodeStatus(brief))).toEqual(brief);
  });

  it('briefly does not grow with the shards of its replicas', async () => {
    const { document, replicas } = await withReplica(1_024);
    const bytes = (isBrief: boolean) => encodeStatus(document(replicas(17), { isBrief })).length;
    expect(bytes(true)).toBeLessThan(20_000);
    expect(bytes(false)).toBeGreaterThan(200_000);
  });

  it.each([1, 4, 64, 1_024])(
    'of %i shards never takes more than 1 MiB, and says whom it leaves out',
    async (shards) => {
      const { document, replicas } = await withReplica(shards);
      const told = document(replicas(10_000));
      expect(told.replicas).toHaveLength(Math.min(10_000, replicasInRoom(shards)));
      expect(told.unlistedReplicas).toBe(10_000 - told.replicas.length);
      // All that a store of the most shards may list at once: 16 replicas, and the last that left.
      expect(told.replicas.length).toBeGreaterThan(30);
      const payload = encodeStatus(told);
      expect(payload.length).toBeLessThanOrEqual(STATUS_MAX_BYTES);
      expect(readStatus(payload).replicas).toHaveLength(told.replicas.length);
    },
  );
});
