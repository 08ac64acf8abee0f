/** In which order the steps of replacing a state reach the disk, shown by a disk that records them. */
import { constants } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { replaceStateFile, type StateDisk, syncStateFile } from '../../src/files/state-file.js';
import { Recorder } from '../../src/replication/outputs/recorder.js';
import { StateKeeper } from '../../src/replication/outputs/state-keeper.js';
import { MemoryLog } from '../support/virtual-cluster.js';
import { VirtualWorld } from '../support/virtual-world.js';

/** Records each step when it is done; the one named `failing` fails. */
function recordingDisk(failing?: string) {
  const steps: string[] = [];
  const step = async (name: string) => {
    await new Promise((resolve) => setImmediate(resolve));
    if (name === failing) throw new Error(`cannot ${name}`);
    steps.push(name);
  };
  const disk: StateDisk = {
    async open(path, flags) {
      await step(`open ${path} ${flags}`);
      return {
        writeFile: (bytes) => step(`write ${bytes}`),
        sync: () => step(`sync ${path}`),
        close: () => step(`close ${path}`),
      };
    },
    rename: (from, to) => step(`rename ${from} ${to}`),
    unlink: (path) => step(`unlink ${path}`),
  };
  return { disk, steps, step };
}

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;
const NEW = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;

const inOrder = [
  `open folder/state.new ${NEW}`,
  'write two',
  'sync folder/state.new',
  'close folder/state.new',
  'rename folder/state.new folder/state',
  `open folder ${O_NONBLOCK}`,
  'sync folder',
  'close folder',
];

describe('replacing a state file', () => {
  it('syncs the new bytes before they have the name, and the name before it is done', async () => {
    const { disk, steps } = recordingDisk();
    await replaceStateFile('folder/state', Buffer.from('two'), 0o600, disk);
    expect(steps).toEqual(inOrder);
  });

  it.each(inOrder.slice(0, 4))('does not give them the name when it cannot %s', async (failing) => {
    const { disk, steps } = recordingDisk(failing);
    await expect(replaceStateFile('folder/state', Buffer.from('two'), 0o600, disk)).rejects.toMatchObject({
      code: 'WRITE_FAILED',
      file: 'folder/state',
    });
    expect(steps.filter((step) => step.startsWith('rename'))).toEqual([]);
    const isOpened = steps.some((step) => step.startsWith('open'));
    const isClosed = steps.some((step) => step.startsWith('close'));
    expect(isClosed).toBe(isOpened && !failing.startsWith('close'));
    // On a full disk it would be a file of 0 bytes.
    expect(steps.filter((step) => step.startsWith('unlink'))).toEqual(
      isOpened ? ['unlink folder/state.new'] : [],
    );
  });

  it.each(inOrder.slice(4))('says so when it cannot %s', async (failing) => {
    const { disk } = recordingDisk(failing);
    await expect(replaceStateFile('folder/state', Buffer.from('two'), 0o600, disk)).rejects.toThrow(
      /^The state cannot be written: cannot /,
    );
  });
});

it('syncing a state file syncs its bytes and its name', async () => {
  const { disk, steps } = recordingDisk();
  await syncStateFile('folder/state', disk);
  const synced = steps.filter((step) => step.startsWith('sync'));
  expect(synced).toEqual(['sync folder/state', 'sync folder']);
});

describe('a keeper of a state', () => {
  it('has the dump on the disk before the state that stands for it is begun', async () => {
    const { disk, steps, step } = recordingDisk();
    const world = new VirtualWorld();
    const recorder = new Recorder({
      sink: {
        handlers: { onDrain() {}, onFault() {} },
        unwrittenBytes: 0,
        begin() {},
        write: (bytes) => {
          void step(`write ${bytes.length} bytes of the dump`);
          return false;
        },
        sync: () => step('sync the dump'),
        digest: () => '0'.repeat(64),
        end: () => Promise.resolve(),
      },
      maxQueuedBytes: 1_000,
      onFault: (error) => expect.unreachable(error.message),
    });
    const keeper = new StateKeeper({
      timers: world.seams.timers,
      log: new MemoryLog(),
      whenGiven: (run) => run(),
      state: () => ({
        history: undefined,
        watermarks: [7n],
        last: undefined,
        record: { file: 'dump', bytes: recorder.bytes },
        changes: false,
      }),
      async flush() {
        await recorder.flush();
        return true;
      },
      digest: (bytes) => recorder.digest(bytes),
      save: (bytes) => replaceStateFile('folder/state', bytes, 0o600, disk),
    });
    recorder.begin();
    recorder.offer(Buffer.alloc(10));
    recorder.offer(Buffer.alloc(20));
    await keeper.finish();
    expect(
      steps.map((name) => (name.startsWith('write \ufffd') ? 'write the state' : name)).slice(0, 6),
    ).toEqual([
      'write 10 bytes of the dump',
      'write 20 bytes of the dump',
      'sync the dump',
      `open folder/state.new ${NEW}`,
      'write the state',
      'sync folder/state.new',
    ]);
  });
});
