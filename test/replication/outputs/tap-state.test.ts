/**
 * A tap's state as a file: the states that are read back, those that are refused, and that the file is always
 * whole.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from 'msgpackr';
import { afterAll, describe, expect, it } from 'vitest';
import { FastcacheError } from '../../../src/errors.js';
import { MAX_STATE_BYTES } from '../../../src/files/sealed-state.js';
import { readStateFile, replaceStateFile } from '../../../src/files/state-file.js';
import { StateKeeper } from '../../../src/replication/outputs/state-keeper.js';
import { decodeTapState, encodeTapState, type TapState } from '../../../src/replication/outputs/tap-state.js';
import { MemoryLog } from '../../support/virtual-cluster.js';
import { VirtualWorld } from '../../support/virtual-world.js';

const folder = mkdtempSync(join(tmpdir(), 'fastcache-state-'));
afterAll(() => rmSync(folder, { recursive: true }));

const state: TapState = {
  history: { id: '00112233445566778899aabbccddeeff', base: 2n ** 60n },
  watermarks: [0n, 1n, 2n ** 53n + 1n, 2n ** 64n - 1n],
  last: { shard: 3, sequence: 2n ** 64n - 1n, print: 2n ** 63n + 1n },
  record: { file: 'dump.fcrp', bytes: 5 * 2 ** 30, sha256: 'd1'.repeat(32) },
  changes: true,
};

function refusal(bytes: Buffer): FastcacheError {
  try {
    decodeTapState(bytes);
  } catch (error) {
    if (error instanceof FastcacheError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

describe('a state', () => {
  it('is read back as it was', () => {
    expect(decodeTapState(encodeTapState(state))).toEqual(state);
    const bare: TapState = {
      history: undefined,
      watermarks: [7n],
      last: undefined,
      record: undefined,
      changes: false,
    };
    expect(decodeTapState(encodeTapState(bare))).toEqual(bare);
    const wrong = { ...state, last: { shard: 4, sequence: 1n, print: 2n } };
    expect(refusal(encodeTapState(wrong)).message).toMatch('no sound state');
    const widest = { ...state, watermarks: new Array<bigint>(1024).fill(2n ** 64n - 1n) };
    expect(encodeTapState(widest).length).toBeLessThan(MAX_STATE_BYTES);
    expect(decodeTapState(encodeTapState(widest))).toEqual(widest);
  });

  it('is refused with any bit wrong, and cut anywhere', () => {
    const bytes = encodeTapState(state);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const wrong = Buffer.from(bytes);
      wrong[bit >> 3]! ^= 1 << (bit & 7);
      expect(refusal(wrong).code).toBe('STATE_UNUSABLE');
    }
    for (let end = 0; end < bytes.length; end++)
      expect(refusal(bytes.subarray(0, end)).code).toBe('STATE_UNUSABLE');
    expect(refusal(Buffer.concat([bytes, bytes])).code).toBe('STATE_UNUSABLE');
  });

  it('is refused when it is something else, or too big, with what to do', () => {
    for (const bytes of [
      Buffer.from('FCRP and what follows'.repeat(20)),
      pack({ format: 'fastcache tap state' }),
      Buffer.alloc(MAX_STATE_BYTES + 1),
    ]) {
      expect(refusal(bytes).message).toMatch(/start over, with a snapshot, move it away/);
    }
  });

  it('is refused when its fields are not what they must be', () => {
    const unsound: object[] = [
      { watermarks: [] },
      { watermarks: [1n, 2n, 3n] },
      { watermarks: new Array(2048).fill(1n) },
      { watermarks: [-1n] },
      { history: { id: 'short', base: 0n } },
      { history: { id: '0'.repeat(32), base: -1n } },
      { record: { file: 'x', bytes: -1 } },
      { record: { file: 'x', bytes: 1.5 } },
      { changes: 1 },
    ];
    for (const fields of unsound) {
      expect(refusal(encodeTapState({ ...state, ...fields } as TapState)).message).toMatch(/no sound state/);
    }
  });
});

describe('a state file', () => {
  it('is none at first, and then what was written last, with nothing beside it', async () => {
    const file = join(folder, 'whole');
    expect(readStateFile(file, 100)).toBeUndefined();
    for (const text of ['a longer text', 'short']) {
      await replaceStateFile(file, Buffer.from(text));
      expect(readStateFile(file, 100)?.toString()).toBe(text);
    }
    expect(readdirSync(folder)).toEqual(['whole']);
  });

  it('is never read further than it may be long, and must be a file in a folder', async () => {
    const file = join(folder, 'long');
    writeFileSync(file, Buffer.alloc(10_000));
    expect(readStateFile(file, 100)).toHaveLength(101);
    expect(() => readStateFile(folder, 100)).toThrow(expect.objectContaining({ code: 'READ_FAILED' }));
    const nowhere = join(folder, 'none', 'state');
    expect(() => readStateFile(nowhere, 100)).toThrow(expect.objectContaining({ code: 'WRITE_FAILED' }));
    await expect(replaceStateFile(nowhere, Buffer.from('x'))).rejects.toThrow(/cannot be written/);
  });
});

describe('a keeper of a state', () => {
  function keeper() {
    const world = new VirtualWorld();
    const log = new MemoryLog();
    const saved: bigint[] = [];
    const steps: string[] = [];
    const now = {
      at: 0n,
      isWhole: true,
      flush: async () => true,
      save: async () => {},
    };
    const kept = new StateKeeper({
      timers: world.seams.timers,
      log,
      whenGiven: (run) => run(),
      state: () => (now.isWhole ? { ...state, watermarks: [now.at], last: undefined } : undefined),
      async flush() {
        steps.push(`flush ${now.at}`);
        return now.flush();
      },
      digest: () => 'd1'.repeat(32),
      async save(bytes) {
        await now.save();
        const { watermarks } = decodeTapState(bytes);
        steps.push(`save ${watermarks}`);
        saved.push(watermarks[0]!);
      },
    });
    const pass = async (seconds: number) => {
      for (let second = 0; second < seconds; second++) {
        world.run(1_000);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    return { kept, now, saved, steps, log, pass };
  }

  it('saves what has changed, once a second, after it is out', async () => {
    const { kept, now, steps, pass } = keeper();
    kept.start();
    await pass(3);
    now.at = 5n;
    await pass(3);
    expect(steps).toEqual(['flush 0', 'save 0', 'flush 5', 'save 5']);
  });

  it('saves what is whole, and at the end what is there', async () => {
    const { kept, now, saved, pass } = keeper();
    now.isWhole = false;
    kept.start();
    await pass(3);
    expect(saved).toEqual([]);
    now.isWhole = true;
    now.at = 9n;
    await kept.finish();
    await pass(3);
    expect(saved).toEqual([9n]);
  });

  it('saves nothing that an output has not let out', async () => {
    const { kept, now, saved, pass } = keeper();
    now.flush = async () => false;
    kept.start();
    await pass(3);
    await kept.finish();
    expect(saved).toEqual([]);
  });

  it('tells once that it cannot save, tries on, and fails at the end', async () => {
    const { kept, now, saved, log, pass } = keeper();
    now.save = () => Promise.reject(new Error('disk full'));
    kept.start();
    await pass(3);
    expect(log.lines).toEqual(['error the state is not saved, and is tried again: disk full']);
    now.save = async () => {};
    await pass(1);
    expect(saved).toEqual([0n]);
    now.at = 1n;
    now.save = () => Promise.reject(new Error('disk full'));
    await expect(kept.finish()).rejects.toThrow('disk full');
  });
});
