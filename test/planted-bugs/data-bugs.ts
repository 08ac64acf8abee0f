/** Mistakes of data directories (see bugs.ts). */
import type { PlantedBug } from './planted-bug.js';

const directory = ['test/data/data-directory.test.ts'];
const opening = ['test/data/opening.test.ts'];

export const dataBugs: readonly PlantedBug[] = [
  {
    name: 'an index is not synced with its segment',
    file: 'src/data/dump-file.ts',
    find: 'await bothOf(this.#dump.sync(), this.#index.sync());',
    replace: 'await this.#dump.sync();',
    tests: directory,
  },
  {
    name: 'a write with fsync always leaves its part of the index to the system',
    file: 'src/data/dump-file.ts',
    find: 'undefined : write(this.#index, entries);',
    replace: 'undefined : this.#index.append(entries);',
    tests: directory,
  },
  {
    name: 'a mark says that bytes are synced before they are',
    file: 'src/data/dump-file.ts',
    find: `    await this.#syncBoth();
    await this.mark();
`,
    replace: `    this.#syncedBytes = this.#writtenBytes;
    await this.mark();
    await this.#syncBoth();
`,
    tests: directory,
  },
  {
    name: 'a manifest takes its place before it is on the disk',
    file: 'src/data/manifest.ts',
    find: '    await file.sync();\n',
    replace: '',
    tests: directory,
  },
  {
    name: 'a manifest names a segment whose own name may be lost',
    file: 'src/data/dump-maker.ts',
    find: '      await files.syncNames();\n',
    replace: '',
    tests: directory,
  },
  {
    name: 'a base is kept without the first segment that is applied to it',
    file: 'src/data/manifest-keeper.ts',
    find: 'manifest.segments.filter(({ number }) => number >= from)',
    replace: 'manifest.segments.filter(({ number }) => number > from)',
    tests: ['test/data/retention.test.ts', ...directory],
  },
  {
    name: 'a torn end is cut off without being kept',
    file: 'src/data/open-data.ts',
    find: 'tear === undefined ? [] : [await keepTear(files, name, bytes, tear)]',
    replace: 'tear === undefined ? [] : [tear]',
    tests: opening,
  },
  {
    name: 'an index that is damaged in its middle is not named',
    file: 'src/data/checked-dump.ts',
    find: '        this.#uncheckedFrom ??= offset;\n',
    replace: '',
    tests: opening,
  },
  {
    name: 'a link in the place of a file is followed',
    file: 'src/data/system-data-files.ts',
    find: 'flags | O_NOFOLLOW | O_NONBLOCK',
    replace: 'flags | O_NONBLOCK',
    tests: ['test/data/planted-files.test.ts'],
  },
  {
    name: 'a frame that is not what its index says is handed on to a replica',
    file: 'src/data/segment-frames.ts',
    find: 'stored?.subarray(0, made.length).equals(made) !== true',
    replace: 'stored === undefined',
    tests: ['test/data/catch-up.test.ts'],
  },
  {
    name: 'an end below the base of its history is no place',
    file: 'src/replication/history.ts',
    find: 'held[shard] === end || (held',
    replace: 'held[shard] === undefined || (held',
    tests: ['test/data/promotions.test.ts'],
  },
];
