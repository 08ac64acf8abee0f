/** A history is served to replicas once it is on the disk of the primary that has begun it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import type { NodeConfig } from '../../src/server/config.js';
import { primaryConfig, replicaConfig } from '../../src/server/config.js';
import { Node } from '../../src/server/node.js';
import { systemNodeSeams } from '../../src/server/system-seams.js';
import { LossyDisk } from '../support/lossy-disk.js';
import { eventually } from '../support/processes.js';
import { RespClient } from '../support/resp-client.js';

const directory = mkdtempSync(join(tmpdir(), 'fastcache-begun-'));
afterAll(() => rmSync(directory, { recursive: true }));

async function start(config: NodeConfig, disk = new LossyDisk()): Promise<Node> {
  const files = { ...systemNodeSeams.files, openData: async () => disk };
  const node = await Node.start(config, { ...systemNodeSeams, files });
  onTestFinished(() => node.close().catch(() => {}));
  return node;
}

const isLive = (node: Node) =>
  eventually(
    () => node.following?.follower.state.name,
    (state) => state === 'live',
  );

it.each(['always', 'everysec'] as const)(
  'a promoted replica serves its history once that is on its disk (fsync %s)',
  async (fsync) => {
    const primary = await start(primaryConfig({ bind: ':0', listen: ':0' }));
    const client = await RespClient.connect(primary.clientPorts!.address!);
    onTestFinished(() => client.close());
    await client.command('SET', 'key', 'value');
    const disk = new LossyDisk();
    const roleFile = join(directory, `role ${fsync}`);
    const options = { bind: ':0', listen: false as const, data: 'disk', roleFile, fsync };
    const middle = await start(replicaConfig(primary.bindAddress!, options), disk);
    await isLive(middle);
    const leaf = await start(replicaConfig(middle.bindAddress!, { listen: false }));
    await isLive(leaf);
    const { delay } = disk;
    const held: (() => void)[] = [];
    disk.delay = (run) => held.push(run);
    middle.promote();
    const { id } = middle.history!;
    await eventually(
      () => middle.listener!.unauthenticatedConnections,
      (count) => count > 0,
    );
    expect(leaf.history?.id).not.toBe(id);
    expect(disk.bytesOf('manifest')?.includes(id)).toBe(false);
    disk.delay = delay;
    for (const run of held) run();
    await eventually(
      () => leaf.history?.id,
      (history) => history === id,
    );
    expect(disk.bytesOf('manifest')?.includes(id)).toBe(true);
  },
);
