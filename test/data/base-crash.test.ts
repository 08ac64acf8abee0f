/**
 * A crash at each operation while a base is being made, one that was asked for, and one without which what is
 * written counts for nothing.
 */
import { expect, it } from 'vitest';
import { DataNode } from '../support/data-node.js';
import { LossyDisk } from '../support/lossy-disk.js';
import { RandomSource } from '../support/random.js';

const KEYS = 20;
/** Crashes at the same operation, of which each loses other things: `DATA_SEEDS=10` has more of them. */
const SEEDS = Number(process.env.DATA_SEEDS ?? 1);

it.each([
  ['that was asked for', (node: DataNode) => void node.data.makeBase().catch(() => {})],
  ['of content that has come from elsewhere', (node: DataNode) => node.data.follow(node.publisher, false)],
])(
  'a crash at any operation while a base is made %s loses nothing that was acknowledged',
  async (_, begin) => {
    let operations = 1;
    for (let isOver = false; !isOver; operations += 1) {
      for (let seed = 1; seed <= SEEDS; seed += 1) {
        isOver = await crashAt(operations, 1_000 * seed + operations, begin);
      }
    }
    expect(operations).toBeGreaterThan(20);
  },
);

/** Returns whether the base was whole before the crash. */
async function crashAt(operations: number, seed: number, begin: (node: DataNode) => void): Promise<boolean> {
  const files = new LossyDisk();
  const node = await DataNode.start({ files, segmentBytes: 100_000 });
  const acknowledged = new Map<string, string>();
  for (let at = 0; at < KEYS; at += 1) {
    await node.set(`key ${at}`, 'before');
    acknowledged.set(`key ${at}`, 'before');
  }
  const crashed = new Promise<void>((resolve) => {
    const crashAt = files.operations + operations;
    files.before = () => {
      if (files.operations < crashAt) return;
      files.crash(new RandomSource(seed));
      resolve();
    };
  });
  let isOver = false;
  void crashed.then(() => {
    isOver = true;
  });
  const before = node.data.save.lastMs;
  begin(node);
  const write = async () => {
    for (let at = 0; !isOver; at += 1) {
      const [key, value] = [`key ${at % KEYS}`, `during ${at}`];
      if (await node.set(key, value)) acknowledged.set(key, value);
    }
  };
  await Promise.race([crashed, write()]);
  const isWhole = node.data.save.lastMs !== before;
  const next = await DataNode.start({ files });
  for (const [key, value] of acknowledged) {
    const found = next.engine.get(key)?.toString() ?? '';
    const what = `operation ${operations}, seed ${seed}: ${key} is ${found}, and was ${value}`;
    // The last write may be there without having been acknowledged.
    expect(found === value || orderOf(found) > orderOf(value), what).toBe(true);
  }
  await next.stop();
  return isWhole;
}

function orderOf(value: string): number {
  return value.startsWith('during ') ? Number(value.slice(7)) : value === 'before' ? -1 : -2;
}
