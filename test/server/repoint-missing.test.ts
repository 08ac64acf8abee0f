/**
 * The part that has replicas follow an heir cannot be loaded: the program's files were replaced while it ran.
 */
import { expect, it, vi } from 'vitest';
import type { FailoverPeer } from '../../src/replication/primary/failover-peer.js';
import { type HandoverNode, SentinelHandover } from '../../src/server/sentinel-handover.js';

vi.mock('../../src/server/repoint.js', () => {
  throw new Error('no such file');
});

it('a handover to an heir is done all the same, and says which replicas do not follow it', async () => {
  const warnings: string[] = [];
  const sent: string[] = [];
  const handover = new SentinelHandover({
    config: { listen: undefined, listenTls: undefined },
    seams: { clock: { nowMs: () => 0 }, ownAddresses: () => ['127.0.0.1'] },
    events: { log: { info() {}, warn: (message: string) => warnings.push(message) } },
    settings: { announcedHost: '', announcedPort: 0 },
    clientPort: 7001,
    listener: { failoverPeers: () => [{ announced: '127.0.0.1:7003' }] },
    server: {
      clients: [],
      deliver: ({ payload }: { payload: Buffer }) => sent.push(`${payload}`),
      kill() {},
    },
  } as unknown as HandoverNode);
  const payload = Buffer.from(`127.0.0.1,26379,${'1'.repeat(40)},4,main,127.0.0.1,7001,4`);
  handover.heard({ channel: Buffer.from('__sentinel__:hello'), payload, isSharded: false });
  const takesOverAt = { host: '127.0.0.1', port: 7002 };
  handover.handOver({ announced: '127.0.0.1:7002', takesOverAt } as FailoverPeer, undefined);
  await vi.waitFor(() => expect(warnings).toHaveLength(1));
  expect(warnings[0]).toMatch(/^replicas 127\.0\.0\.1:7003 follow this server still.* REPLICAOF there: /);
  expect(sent).toHaveLength(1);
});
