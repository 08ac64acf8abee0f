/** Counts of commands: those of the gate and those of the kernel, together and since the last reset. */
import { describe, expect, it } from 'vitest';
import { CommandStatistics, type KernelTotals } from '../../src/resp/command-statistics.js';

/** A kernel that has counted what a test says. */
class Kernel {
  counts = [
    { name: 'get', calls: 0, rejected: 0, failed: 0 },
    { name: 'set', calls: 0, rejected: 0, failed: 0 },
  ];
  totals: KernelTotals = {
    microseconds: 0,
    keyspaceHits: 0,
    keyspaceMisses: 0,
    expiredKeys: 0,
    evictedKeys: 0,
  };

  ran(get: number, set: number, microseconds: number): void {
    this.counts = [
      { name: 'get', calls: get, rejected: 1, failed: 2 },
      { name: 'set', calls: set, rejected: 0, failed: 0 },
    ];
    this.totals = { microseconds, keyspaceHits: 10, keyspaceMisses: 20, expiredKeys: 30, evictedKeys: 40 };
  }
}

const sampleAt = (nowMs: number) => ({
  nowMs,
  inputBytes: 2 * nowMs,
  outputBytes: nowMs,
  usedMemoryBytes: 0,
});

function newStatistics(): { kernel: Kernel; statistics: CommandStatistics } {
  const kernel = new Kernel();
  const statistics = new CommandStatistics(
    () => kernel.counts,
    () => kernel.totals,
  );
  return { kernel, statistics };
}

describe('command statistics', () => {
  it('count runs, failures and refusals, by name', () => {
    const { statistics } = newStatistics();
    statistics.record('ping', 1.5, 'ok');
    statistics.record('client|list', 10, 'ok');
    statistics.record('ping', 2, 'failed');
    statistics.record('ping', 0, 'rejected');
    expect(statistics.rows()).toEqual([
      { name: 'client|list', calls: 1, microseconds: 10, rejected: 0, failed: 0 },
      { name: 'ping', calls: 2, microseconds: 3, rejected: 1, failed: 1 },
    ]);
    expect(statistics.commandsProcessed).toBe(3);
  });

  it('share the time of the kernel out by calls, and add what both counted', () => {
    const { kernel, statistics } = newStatistics();
    kernel.ran(30, 10, 400);
    statistics.record('get', 5, 'ok');
    expect(statistics.rows()).toEqual([
      { name: 'get', calls: 31, microseconds: 305, rejected: 1, failed: 2 },
      { name: 'set', calls: 10, microseconds: 100, rejected: 0, failed: 0 },
    ]);
    expect(statistics.total('keyspaceHits')).toBe(10);
    expect(statistics.total('evictedKeys')).toBe(40);
  });

  it('start over at a reset, although the kernel counts on', () => {
    const { kernel, statistics } = newStatistics();
    kernel.ran(30, 10, 400);
    statistics.record('ping', 1, 'ok');
    statistics.inputBytes = statistics.outputBytes = statistics.connections = 5;
    statistics.rejectedConnections = 5;
    statistics.recordError('ERR no');
    statistics.reset();
    expect(statistics.rows()).toEqual([]);
    expect(statistics).toMatchObject({
      inputBytes: 0,
      outputBytes: 0,
      connections: 0,
      rejectedConnections: 0,
    });
    expect(statistics.errors.total).toBe(0);
    expect(statistics.total('keyspaceHits')).toBe(0);
    kernel.ran(31, 10, 450);
    expect(statistics.rows()).toEqual([{ name: 'get', calls: 1, microseconds: 50, rejected: 0, failed: 0 }]);
  });

  it('keep what a kernel counted that gives way to another', () => {
    const { kernel, statistics } = newStatistics();
    kernel.ran(30, 10, 400);
    statistics.kernelGoes();
    kernel.ran(2, 0, 6);
    expect(statistics.rows()).toEqual([
      { name: 'get', calls: 32, microseconds: 306, rejected: 2, failed: 4 },
      { name: 'set', calls: 10, microseconds: 100, rejected: 0, failed: 0 },
    ]);
    expect(statistics.total('keyspaceHits')).toBe(20);
    statistics.reset();
    expect(statistics.rows()).toEqual([]);
    expect(statistics.total('keyspaceHits')).toBe(0);
  });

  it('know how many commands there are a second', () => {
    const { statistics } = newStatistics();
    for (let at = 0; at <= 1600; at += 100) {
      statistics.sample(sampleAt(at));
      for (let run = 0; run < 50; run++) statistics.record('ping', 1, 'ok');
    }
    expect(statistics.commandsPerSecond).toBe(500);
    expect(statistics.inputBytesPerSecond).toBe(2000);
    expect(statistics.outputBytesPerSecond).toBe(1000);
    statistics.reset();
    statistics.sample(sampleAt(1700));
    expect(statistics.commandsPerSecond).toBeGreaterThan(400);
  });

  it('count errors by their first word, those of the kernel too', () => {
    const { kernel, statistics } = newStatistics();
    statistics.recordError('ERR syntax error');
    statistics.recordError('WRONGPASS invalid');
    statistics.recordError('nonsense');
    statistics.recordError(`${'long'.repeat(10)} word`);
    kernel.counts = [{ name: 'set', calls: 9, rejected: 5, failed: 4 }];
    kernel.totals = { memoryRefusals: 2, replicaRefusals: 1 };
    const expected = [
      ['ERR', 1 + 2 + 6],
      ['OOM', 2],
      ['READONLY', 1],
      ['WRONGPASS', 1],
    ];
    expect(statistics.errors.entries()).toEqual(expected);
    statistics.kernelGoes();
    kernel.counts = [];
    kernel.totals = {};
    expect(statistics.errors.entries()).toEqual(expected);
    expect(statistics.errors.total).toBe(13);
    statistics.reset();
    expect(statistics.errors.entries()).toEqual([]);
  });

  it('keep no more words of errors than a script may make up', () => {
    const { statistics } = newStatistics();
    for (let n = 0; n < 10_000; n++) statistics.recordError(`WORD${n} of a script`);
    expect(statistics.errors.entries().length).toBe(129);
    expect(statistics.errors.total).toBe(10_000);
  });
});
