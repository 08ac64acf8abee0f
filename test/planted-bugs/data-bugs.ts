/** Mistakes of data directories (see bugs.ts). */
import type { PlantedBug } from './planted-bug.js';

const directory = ['test/data/data-directory.test.ts'];
const opening = ['test/data/opening.test.ts'];
const seals = ['test/data/seals.test.ts'];
const room = ['test/data/room.test.ts', 'test/frame/room.test.ts'];
const turns = ['test/data/put-off-turns.test.ts'];

export const dataBugs: readonly PlantedBug[] = [
  {
    name: 'an index is not synced before its segment is sealed',
    file: 'src/data/dump-file.ts',
    find: 'await bothOf(this.#syncDump(), this.#syncIndex());',
    replace: 'await bothOf(this.#syncDump(), this.writeIndex());',
    tests: directory,
  },
  {
    name: 'a seal proves how many frames there are, and not what they are',
    file: 'src/data/sealing.ts',
    find: '    this.#hash.take(entries);\n',
    replace: '',
    tests: seals,
  },
  {
    name: 'a seal proves no more than the frames behind the one before',
    file: 'src/data/sealing.ts',
    find: '    this.take(entry);\n    return isTheOne;',
    replace: '    return isTheOne;',
    tests: seals,
  },
  {
    name: 'a seal that is made in one call does not prove the seal before it',
    file: 'src/kernel/dump/index-entry.ts',
    find: '  hashPiece(proof + HASH_AT, own, INDEX_ENTRY_BYTES);\n',
    replace: '',
    tests: seals,
  },
  {
    name: 'the room behind a segment is content',
    file: 'src/frame/room.ts',
    find: 'if (at >= 0 && beginsWithSeal(behind.subarray(at))) return end + zeros;',
    replace: 'if (at >= 0 && beginsWithSeal(behind.subarray(at))) return size;',
    tests: room,
  },
  {
    name: 'zeros behind anything are room',
    file: 'src/frame/room.ts',
    find: 'return end + zeros;\n  }\n  return size;',
    replace: 'return end + zeros;\n  }\n  return end;',
    tests: room,
  },
  {
    name: 'bytes are written while room is being made in their place',
    file: 'src/data/file-room.ts',
    find: 'return end > this.#fillingFrom ? this.#filling : undefined;',
    replace: 'return end > this.#fillingFrom + ROOM_BYTES ? this.#filling : undefined;',
    tests: room,
  },
  {
    name: 'a turn of which nothing is written waits for the disk',
    file: 'src/data/put-off-turns.ts',
    find: 'return this.#waiting.length > 0 && this.putsOff(endTurn);',
    replace: 'return this.putsOff(endTurn);',
    tests: turns,
  },
  {
    name: 'writes that were put off are acknowledged when the disk fails',
    file: 'src/data/journal.ts',
    find: '    this.#turns.close();\n    this.#isFaulty = true;\n',
    replace: '    this.#isFaulty = true;\n    this.#turns.close();\n',
    tests: ['test/server/put-off-writes.test.ts'],
  },
  {
    name: 'turns wait for a disk that hangs',
    file: 'src/data/put-off-turns.ts',
    find: '      if (this.#write === write) this.end();\n      else this.#limit',
    replace: '      if (this.#write !== write) this.end();\n      else this.#limit',
    tests: turns,
  },
  {
    name: 'frames count behind which a seal is that does not fit',
    file: 'src/data/segment-index.ts',
    find: 'if (!this.#sealing.isSealedBy(entry)) {',
    replace: 'if (!this.#sealing.isSealedBy(entry) && this.isTooLarge) {',
    tests: seals,
  },
  {
    name: 'a start leaves the index as far as it was written',
    file: 'src/data/open-data.ts',
    find: '  await completeIndex(files, name, indexBytes);\n',
    replace: '',
    tests: directory,
  },
  {
    name: 'a mark says that bytes are synced before they are',
    file: 'src/data/dump-file.ts',
    find: `    await bothOf(this.#syncDump(), isProved ? undefined : this.#syncIndex());
    await this.mark();
`,
    replace: `    this.#syncedBytes = this.#writtenBytes;
    await this.mark();
    await bothOf(this.#syncDump(), isProved ? undefined : this.#syncIndex());
`,
    tests: directory,
  },
  {
    name: 'a manifest takes its place before it is on the disk',
    file: 'src/data/replace-file.ts',
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
    name: 'a replica is sent the seals of a segment',
    file: 'src/data/segment-frames.ts',
    find: 'if (kind === FrameKind.Digests || kind === FrameKind.Seal) return false;',
    replace: 'if (kind === FrameKind.Digests || kind === FrameKind.Seal) return kind === FrameKind.Seal;',
    tests: ['test/data/catch-up.test.ts'],
  },
  {
    name: 'an end below the base of its history is no place',
    file: 'src/replication/history.ts',
    find: 'held[shard] === end || (held',
    replace: 'held[shard] === undefined || (held',
    tests: ['test/data/promotions.test.ts'],
  },
  {
    name: 'a large file is removed without a pause',
    file: 'src/data/removals.ts',
    find: 'if (pace.isHurried) return;',
    replace: 'if (pace.isHurried || delayMs > 0) return;',
    tests: ['test/data/removals.test.ts'],
  },
  {
    name: 'a removal makes pauses while the server stops',
    file: 'src/data/removals.ts',
    find: '      pace.isHurried = true;\n      pace.goOn();\n',
    replace: '      pace.goOn();\n',
    tests: ['test/data/removals.test.ts'],
  },
  {
    name: 'a file that a server removes while its directory is verified is a fault',
    file: 'src/cli/data/verify.ts',
    find: 'if (file.faultCount > 0 && !(await areStillNamed',
    replace: 'if (file.faultCount < 0 && !(await areStillNamed',
    tests: ['test/cli/data/verify-dropped.test.ts'],
  },
  {
    name: 'a role file that was read counts as written whatever it says',
    file: 'src/server/role-file.ts',
    find: 'found?.bytes.equals(bytes) === true && (await found.isSynced)',
    replace: 'found !== undefined && (await found.isSynced)',
    tests: ['test/server/role-file.test.ts'],
  },
  {
    name: 'a dump writes no more of the bytes that came while it wrote',
    file: 'src/data/dump-sink.ts',
    find: '} while (this.#isDue());',
    replace: '} while (this.#isEnding && this.#isDue());',
    tests: ['test/data/dump-sink.test.ts'],
  },
  {
    name: 'clients that are answered have no time to write again',
    file: 'src/data/put-off-turns.ts',
    find: 'round < ROUNDS &&',
    replace: 'round < 0 &&',
    tests: ['test/data/put-off-turns.test.ts'],
  },
  {
    name: 'a frame that does not lie whole in the kernel has its rest left out',
    file: 'src/frame-index/index-kernel.ts',
    find: '          held -= end - start;',
    replace: '          held = 0;',
    tests: ['test/frame-index/indexer.test.ts'],
  },
];
