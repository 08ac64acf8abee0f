import { describe, expect, it } from 'vitest';
import { describeWith } from './optional-peers.js';
import { LineProcess } from './processes.js';
import { RedisServer, redisBenchmark, redisCli, redisServer, redisTools } from './redis.js';

describe('a process of the harness', () => {
  it('gives its lines in order, however they were written', async () => {
    const script = "process.stdout.write('one\\ntw'); setTimeout(() => console.log('o\\nthree'), 20)";
    const child = new LineProcess(process.execPath, ['-e', script]);
    expect(await child.nextLine()).toBe('one');
    expect(await child.nextLine()).toBe('two');
    expect(await child.nextLine((line) => line.startsWith('th'))).toBe('three');
    expect(await child.exited).toEqual({ code: 0, signal: null });
  });

  it('that ends while a line is waited for is a fault that quotes its stderr', async () => {
    const child = new LineProcess(process.execPath, ['-e', "console.error('no such luck'); process.exit(3)"]);
    await expect(child.nextLine()).rejects.toThrow(/"code":3[\s\S]*no such luck/);
  });

  it('that cannot be started is a fault', async () => {
    await expect(new LineProcess('no-such-program', []).nextLine()).rejects.toThrow('ENOENT');
  });

  it('is gone once killed', async () => {
    const child = new LineProcess(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    expect(await child.kill()).toEqual({ code: null, signal: 'SIGKILL' });
    expect(() => process.kill(child.pid, 0)).toThrow('ESRCH');
  });
});

const redis = {
  ...redisServer,
  name: 'Redis',
  isThere: redisServer.isThere && redisTools.isThere,
  remedy: 'apt-get install redis-server redis-tools',
};
describeWith(redis, "Redis' own programs", () => {
  it('work on each other', async () => {
    const server = await RedisServer.start();
    expect(await redisCli(server.port, 'SET', 'greeting', 'two\nlines')).toBe('OK');
    expect(await redisCli(server.port, '--raw', 'GET', 'greeting')).toBe('two\nlines');
    const figures = await redisBenchmark(server.port, { t: 'set,get', n: 1_000, P: 16 });
    expect(Object.keys(figures)).toEqual(['SET', 'GET']);
    for (const figure of Object.values(figures.SET!)) expect(figure).toBeGreaterThan(0);
    expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });
});
