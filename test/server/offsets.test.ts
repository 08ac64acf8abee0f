/**
 * INFO's and ROLE's replication offsets across promotions, by rules that hold of Redis: an offset never falls
 * while what is held goes on, the backlog ends at it, and a primary and who follows it say the same.
 */
import { describe, expect, it } from 'vitest';
import { closesLater, follow, startPrimary } from '../support/library.js';
import { describeWith } from '../support/optional-peers.js';
import { eventually } from '../support/processes.js';
import { RedisServer, redisServer } from '../support/redis.js';
import { RespClient } from '../support/resp-client.js';

type Fields = Record<string, string>;

/** A server of either kind, asked as a client asks, with the offsets that it has shown. */
class Node {
  readonly client: RespClient;
  #highest = 0;

  private constructor(client: RespClient) {
    this.client = client;
  }

  static async of(address: string): Promise<Node> {
    const client = await RespClient.connect(address);
    closesLater({ close: async () => client.close() });
    return new Node(client);
  }

  /** INFO replication, which keeps the rules. */
  async info(): Promise<Fields> {
    const text = String(await this.client.command('INFO', 'replication'));
    const fields = Object.fromEntries(text.split('\r\n').map((line) => line.split(/:(.*)/, 2)));
    const offset = Number(fields.master_repl_offset);
    expect(offset, text).toBeGreaterThanOrEqual(this.#highest);
    this.#highest = offset;
    if (fields.repl_backlog_active === '1') {
      const [first, kept] = [fields.repl_backlog_first_byte_offset, fields.repl_backlog_histlen].map(Number);
      expect(first! + kept! - 1, text).toBe(offset);
    }
    if (fields.master_link_status === 'up') expect(Number(fields.slave_repl_offset), text).toBe(offset);
    return fields;
  }

  async offset(): Promise<number> {
    return Number((await this.info()).master_repl_offset);
  }

  async set(key: string): Promise<void> {
    expect(String(await this.client.command('SET', key, 'value'))).toBe('+OK');
  }

  async replicaOf(address: string): Promise<void> {
    expect(String(await this.client.command('REPLICAOF', ...address.split(':')))).toBe('+OK');
  }

  async promote(): Promise<void> {
    expect(String(await this.client.command('REPLICAOF', 'NO', 'ONE'))).toBe('+OK');
  }
}

/**
 * Resolves when all are at one offset, in one history, and the first has heard from `replicas` of them that
 * they are.
 */
async function isLevel(nodes: readonly Node[], replicas: number): Promise<Fields[]> {
  return eventually(
    () => Promise.all(nodes.map((node) => node.info())),
    (all) => {
      const [top] = all;
      const heard = Object.keys(top!).filter((name) => /^slave\d+$/.test(name));
      const isSame = all.every((fields) =>
        ['master_repl_offset', 'master_replid', 'master_replid2', 'second_repl_offset'].every(
          (name) => fields[name] === top![name],
        ),
      );
      return (
        isSame &&
        heard.length === replicas &&
        heard.every((name) => top![name]!.includes(`,offset=${top!.master_repl_offset},`))
      );
    },
  );
}

describe('offsets', () => {
  it('go on across a chain of promotions, on who is promoted, a sibling and a leaf', async () => {
    const primary = await startPrimary({ listen: ':0' });
    const doors = { bind: ':0', listen: ':0' };
    const relays = [await follow(primary.bindAddress, doors), await follow(primary.bindAddress, doors)];
    const [heir, sibling] = relays;
    const leaf = await follow(heir!.bindAddress!, doors);
    const top = await Node.of(primary.listenAddress!);
    const [heirNode, siblingNode, leafNode] = await Promise.all(
      [heir!, sibling!, leaf].map(({ listenAddress }) => Node.of(listenAddress!)),
    );
    for (let index = 0; index < 7; index += 1) await top.set(`key:${index}`);
    await isLevel([top, heirNode!, siblingNode!, leafNode!], 2);
    expect(await top.info()).toMatchObject({ master_repl_offset: '7', second_repl_offset: '-1' });
    await primary.close();

    await heirNode!.promote();
    expect(await heirNode!.info()).toMatchObject({ master_repl_offset: '7', second_repl_offset: '8' });
    await siblingNode!.replicaOf(heir!.bindAddress!);
    await heirNode!.set('of the heir');
    const [after] = await isLevel([heirNode!, siblingNode!, leafNode!], 2);
    expect(after).toMatchObject({ master_repl_offset: '8', second_repl_offset: '8' });
    const roles = await Promise.all([heirNode!, leafNode!].map(({ client }) => client.command('ROLE')));
    expect(roles.map((role) => (role as unknown[]).find((part) => part === 8))).toEqual([8, 8]);

    // The next promotion: the offsets go on through more than one history.
    await leafNode!.promote();
    expect(await leafNode!.offset()).toBe(8);
    await heirNode!.replicaOf(leaf.bindAddress!);
    await leafNode!.set('of the leaf');
    const [last] = await isLevel([leafNode!, heirNode!], 1);
    expect(last).toMatchObject({ master_repl_offset: '9', second_repl_offset: '9' });
    await isLevel([heirNode!, siblingNode!], 1);
    expect(await siblingNode!.offset()).toBe(9);
  });

  it('go on on a replica that serves none', async () => {
    const primary = await startPrimary();
    for (let index = 0; index < 5; index += 1) primary.set(`key:${index}`, 'value');
    const replica = await follow(primary.bindAddress, { listen: ':0' });
    const node = await Node.of(replica.listenAddress!);
    await eventually(
      () => node.offset(),
      (offset) => offset === 5,
    );
    await node.promote();
    await node.set('another');
    await eventually(
      () => node.offset(),
      (offset) => offset === 6,
    );
    expect(await node.info()).toMatchObject({ second_repl_offset: '6', repl_backlog_histlen: '1' });
  });
});

describeWith(redisServer, 'redis-server keeps the same rules', () => {
  async function start(...args: string[]): Promise<{ node: Node; port: number }> {
    const { port } = await RedisServer.start('--repl-diskless-sync-delay', '0', ...args);
    return { node: await Node.of(`127.0.0.1:${port}`), port };
  }

  it('across a promotion, with a leaf', async () => {
    const top = await start();
    const heir = await start('--replicaof', `127.0.0.1 ${top.port}`);
    await isLevel([top.node, heir.node], 1);
    const leaf = await start('--replicaof', `127.0.0.1 ${heir.port}`);
    for (let index = 0; index < 7; index += 1) await top.node.set(`key:${index}`);
    await isLevel([top.node, heir.node, leaf.node], 1);
    await heir.node.promote();
    const { master_repl_offset: before, second_repl_offset: second } = await heir.node.info();
    expect(Number(second)).toBeLessThanOrEqual(Number(before) + 1);
    await heir.node.set('of the heir');
    await isLevel([heir.node, leaf.node], 1);
  });
});
