/** `top` of running servers: one screen, JSON, and in a terminal. */
import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { Endpoint } from '../../src/cli/watermarks/endpoint.js';
import { systemTimers } from '../../src/clock.js';
import { tcpTransport } from '../../src/transport/tcp.js';
import { isCaughtUp } from '../support/embedded-pair.js';
import { clientOf, closesLater, follow, startPrimary } from '../support/library.js';
import { freePort, isOnPath } from '../support/processes.js';
import { runCommand } from '../support/run-command.js';

async function pair() {
  const primary = await startPrimary({ listen: ':0', name: 'cache-1' });
  const replica = await follow(primary.bindAddress, { listen: ':0', name: 'cache-2' });
  const client = await clientOf(primary.listenAddress);
  await client.command('SET', 'key', 'value');
  await client.command('GET', 'key');
  await isCaughtUp({ primary, replica });
  return { primary, replica };
}

/** A server as it is asked by `top`. */
function endpointAt(address: string): Endpoint {
  const endpoint = new Endpoint(address, {
    token: undefined,
    transport: tcpTransport,
    timers: systemTimers,
    warn() {},
  });
  closesLater({ close: async () => endpoint.close() });
  return endpoint;
}

describe('top', () => {
  it('writes one screen where there is no terminal, of a primary and of its replica', async () => {
    const { primary, replica } = await pair();
    const { status, stdout, stderr } = await runCommand([
      'top',
      primary.listenAddress!,
      replica.listenAddress!,
    ]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d UTC\n\ncache-1 {2}127\.0\.0\.1:\d+ {2}primary {2}up \d+/);
    expect(stdout).toMatch(/^1 key in .* clients? {2}hits (-|\d+ %) {2}event loop \d+ %$/m);
    expect(stdout).toMatch(/^cache-2 {2}live /m);
    expect(stdout).toMatch(/^cache-2 {2}127\.0\.0\.1:\d+ {2}replica {2}up \d+/m);
    expect(stdout).not.toContain('\u001b');
  }, 30_000);

  it('writes JSON, and ends with the status of a server that is silent', async () => {
    const { primary } = await pair();
    const nobody = `127.0.0.1:${await freePort()}`;
    const { status, stdout } = await runCommand(['top', '--once', '--json', primary.bindAddress, nobody]);
    expect(status).toBe(69);
    const { endpoints } = JSON.parse(stdout);
    expect(endpoints[0]).toMatchObject({
      role: 'primary',
      server: {
        name: 'cache-1',
        keys: 1,
        reads: 1,
        writes: 1,
        hits: 1,
        misses: 0,
        hot: { keys: [] },
        slow: [],
      },
      rates: { readsPerSecond: 0, writesPerSecond: 0, recordsPerSecond: 0, hitShare: null },
      replicas: [{ name: 'cache-2', state: 'live' }],
    });
    expect(endpoints[0].server.log.map(({ message }: { message: string }) => message)).toContainEqual(
      expect.stringContaining('replica cache-2'),
    );
    expect(endpoints[1].error.code).toBe('PRIMARY_UNREACHABLE');
    expect((await runCommand(['top', 'fixtures/golden/all.fcrp'])).status).toBe(2);
  }, 30_000);

  it('looks without what each shard has, unless that is shown, and has the same of all else', async () => {
    const { primary } = await pair();
    const endpoint = endpointAt(primary.listenAddress!);
    const look = async (isBrief: boolean) => {
      const answer = await endpoint.look({ isBrief });
      if ('fault' in answer) throw answer.fault;
      return answer.status!;
    };
    const [brief, full] = [await look(true), await look(false)];
    expect([brief.metrics, brief.backlog.earliest, brief.replicas[0]!.shardLagRecords]).toEqual([{}, [], []]);
    expect(full.replicas[0]!.shardLagRecords).toHaveLength(full.watermarks.length);
    expect(brief.watermarks).toEqual(full.watermarks);
    expect(Object.keys(brief)).toEqual(Object.keys(full));
    expect(brief.replicas[0]).toMatchObject({ name: 'cache-2', state: 'live', lagRecords: 0, lagMs: 0 });
  });

  it('is told the keys that clients use most, by commands of the kernel and others', async () => {
    const { primary } = await pair();
    const client = await clientOf(primary.listenAddress);
    const endpoint = endpointAt(primary.listenAddress!);
    const hot = async () => {
      const both = [
        ['GET', 'read'],
        ['SETEX', 'written', '60', 'value'],
      ];
      await client.pipeline(Array.from({ length: 300 }, () => both).flat());
      const answer = await endpoint.look();
      const { keys } = ('status' in answer && answer.status?.server?.hot) || { keys: [] };
      return keys.map(({ key }) => key).sort();
    };
    await expect.poll(hot, { timeout: 30_000 }).toEqual(['read', 'written']);
  }, 60_000);

  it.skipIf(!isOnPath('script')).each([
    ['q', 'q'],
    ['^C', '\u0003'],
  ])(
    'draws on a terminal, and gives it back on %s',
    async (_, key) => {
      const { primary } = await pair();
      const top = `${process.execPath} bin/run.js top ${primary.bindAddress}`;
      const terminal = spawn(
        'script',
        ['-qfc', `stty cols 80 rows 24; ${top}; echo "ended $?"; stty -a`, '/dev/null'],
        {
          stdio: ['pipe', 'pipe', 'inherit'],
        },
      );
      let shown = '';
      let isPressed = false;
      terminal.stdout.on('data', (chunk) => {
        shown += chunk;
        if (isPressed || !shown.includes('cache-2')) return;
        isPressed = true;
        terminal.stdin.write(key);
      });
      await new Promise((resolve) => terminal.on('exit', resolve));
      expect(shown).toContain('\u001b[?1049h');
      expect(shown).toContain('l log');
      const after = shown.slice(shown.lastIndexOf('\u001b[?1049l'));
      expect(after).toContain('ended 0');
      expect(after).toMatch(/[^-]icanon/);
      expect(after).toMatch(/[^-]echo /);
    },
    30_000,
  );
});
