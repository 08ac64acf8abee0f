/**
 * A disk that fails at any one of its operations, for a moment or for a while: each run is repeated with the
 * fault at the next operation. `DATA_STEP=1` has every operation fail, and not one of some.
 */
import { expect, it } from 'vitest';
import { DataNode } from '../support/data-node.js';
import { type DiskOperation, LossyDisk } from '../support/lossy-disk.js';
import { RandomSource } from '../support/random.js';

const STEP = Number(process.env.DATA_STEP ?? 25);
const KEYS = 20;
const WRITES = 60;
/** The number of the last write. */
const LAST = '1000';
/** Writes at which a base is begun. */
const BASES_AT = new Set([15, 40]);

/** How an operation fails: before anything of it is done, or behind all of it. */
type Moment = 'before' | 'behind';

it.each([
  ['EIO', 'before', 1],
  ['EIO', 'behind', 1],
  ['ENOSPC', 'before', 12],
] as const)(
  '%s %s any operation, %i at a time, loses nothing that was acknowledged',
  async (code, moment, count) => {
    let failAt = 1;
    for (let hasFailed = true; hasFailed; failAt += STEP) {
      hasFailed = await failAndLook({ code, moment, failAt, count });
    }
    expect(failAt).toBeGreaterThan(200);
  },
  600_000,
);

interface Fault {
  readonly code: string;
  readonly moment: Moment;
  /** The first operation that fails, and how many do. */
  readonly failAt: number;
  readonly count: number;
}

/** Returns whether there were so many operations. */
async function failAndLook(fault: Fault): Promise<boolean> {
  const what = JSON.stringify(fault);
  const files = new LossyDisk();
  const state = breakAt(files, fault);
  const acknowledged = new Map<string, string>();
  const node = await DataNode.start({ files, segmentBytes: 2_000 }).catch(() => undefined);
  if (node !== undefined) {
    for (let at = 0; at < WRITES; at += 1) {
      if (BASES_AT.has(at)) node.data.makeBase().catch(() => {});
      const [key, value] = [`key ${at % KEYS}`, `${at} ${'x'.repeat(100)}`];
      // A server refuses clients' writes as long as there is a fault.
      if (node.data.fault === undefined && (await node.set(key, value))) acknowledged.set(key, value);
      expect(node.engine.get(`key ${at % KEYS}`) !== undefined || node.data.fault !== undefined, what).toBe(
        true,
      );
      await new Promise(setImmediate);
    }
    // Every second one dies before it has recovered.
    if (fault.failAt % 2 === 0) await recover(node, acknowledged, what);
  }
  node?.kill();
  files.crash(new RandomSource(fault.failAt));
  const next = await DataNode.start({ files });
  for (const [key, value] of acknowledged) {
    const found = next.engine.get(key)?.toString() ?? '-1';
    // The last write may be there without having been acknowledged.
    expect(Number.parseInt(found, 10), `${what}: ${key}`).toBeGreaterThanOrEqual(Number.parseInt(value, 10));
  }
  await next.stop();
  return state.hasFailed;
}

/** Writes until that is acknowledged again. */
async function recover(node: DataNode, acknowledged: Map<string, string>, what: string): Promise<void> {
  for (let turn = 0; node.data.fault !== undefined || !(await node.set('key 0', LAST)); turn += 1) {
    if (turn === 10_000) throw new Error(`${what}: ${node.data.fault?.message} stays`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  acknowledged.set('key 0', LAST);
}

function breakAt(files: LossyDisk, { code, moment, failAt, count }: Fault): { hasFailed: boolean } {
  const state = { hasFailed: false };
  const sizes = new Map<string, number>();
  files.before = (operation, name) => {
    // The bytes of a file stay there, whatever fails.
    if (operation === 'truncate') throw new Error(`${name} is cut while a server runs`);
    if (moment === 'before') fail(operation);
  };
  files.behind = (operation, name) => {
    const bytes = files.bytesOf(name)?.length ?? 0;
    if (operation === 'append' && bytes < (sizes.get(name) ?? 0)) throw new Error(`${name} has lost bytes`);
    if (operation === 'append') sizes.set(name, bytes);
    else if (operation === 'remove' || operation === 'rename') sizes.delete(name);
    if (moment === 'behind') fail(operation);
  };
  const fail = (operation: DiskOperation) => {
    const { operations } = files;
    if (operations < failAt || operations >= failAt + count) return;
    state.hasFailed = true;
    throw Object.assign(new Error(`${code}: ${operation}`), { code });
  };
  return state;
}
