/**
 * Small, plausible mistakes, each of which a user could see: off by one, a reset or a flush that is
 * forgotten, a wrong comparison, a sync that is left out. The tests of each are those that are most likely to
 * notice it.
 */
import type { PlantedBug } from './planted-bug.js';

const secondLife = ['test/replication/replica/second-life.test.ts'];
const betweenSteps = ['test/resp/between-steps.test.ts'];
const roles = ['test/server/roles.test.ts'];

const replication: readonly PlantedBug[] = [
  {
    name: 'a mended gap is never forgotten: each further connection asks for a snapshot',
    file: 'src/replication/replica/follower-machine.ts',
    find: `chunkLoaded: to('loading', ['announceProgress']),
    whole: to('behind', swapped, 'held'),`,
    replace: `chunkLoaded: to('loading', ['announceProgress']),
    whole: to('behind', swapped),`,
    tests: secondLife,
  },
  {
    name: 'a gap that is met again and again is never answered with a snapshot',
    file: 'src/replication/replica/gap-policy.ts',
    find: '    this.#last = gap;\n',
    replace: '',
    tests: ['test/replication/replica/gap-policy.test.ts'],
  },
  {
    name: 'the pauses between tries stay long after a good connection',
    file: 'src/replication/replica/backoff.ts',
    find: '    this.#attempts = 0;\n',
    replace: '',
    tests: secondLife,
  },
  {
    name: "a link is not watched after a tap's pause",
    file: 'src/replication/replica/primary-link.ts',
    find: '    this.#watch?.resume();\n',
    replace: '',
    tests: secondLife,
  },
  {
    name: 'a lag is counted from what another primary had',
    file: 'src/replication/replica/link-lag.ts',
    find: '    this.#heard = [];\n',
    replace: '',
    tests: ['test/replication/replica/link-lag.test.ts'],
  },
  {
    name: 'a tap loses records after an abandoned snapshot',
    file: 'src/replication/outputs/tap.ts',
    find: '    this.#positions = this.#positionsBefore;\n    this.#positionsBefore = undefined;',
    replace: '    this.#positionsBefore = undefined;',
    tests: secondLife,
  },
  {
    name: 'a tap hands on records twice',
    file: 'src/replication/outputs/tap.ts',
    find: '      positions[shard] = sequence;\n',
    replace: '',
    tests: ['test/replication/outputs/tap.test.ts'],
  },
  {
    name: 'a flush leaves what waits for the disk where it is',
    file: 'src/replication/outputs/recorder.ts',
    find: '    this.#writeQueue();\n    await this.#options.sink.sync();',
    replace: '    await this.#options.sink.sync();',
    tests: ['test/replication/outputs/recorder.test.ts'],
  },
  {
    name: 'a state is saved before the dump that it stands for',
    file: 'src/replication/outputs/state-keeper.ts',
    find: '    if (!(await flush())) return;\n',
    replace: '    this.#options.timers.endOfTurn(() => void flush());\n',
    tests: ['test/files/state-file.test.ts'],
  },
  {
    name: 'an old primary is refused as a circle after a promotion',
    file: 'src/replication/relay/relay.ts',
    find: '    this.#upstream = [];\n',
    replace: '',
    tests: ['test/server/virtual-roles.test.ts'],
  },
  {
    name: 'a promotion begins below what was given out when the clock is behind',
    file: 'src/replication/relay/promotion.ts',
    find: '(own > most ? own : most)',
    replace: '(own > most ? most : own)',
    tests: ['test/replication/history.test.ts'],
  },
  {
    name: 'who is level with a promoted replica is given a snapshot',
    file: 'src/replication/history.ts',
    find: 'held[shard]! <= end',
    replace: 'held[shard]! < end',
    tests: ['test/replication/relay/promotion.test.ts'],
  },
  {
    name: 'a Rust replica with a shard that was never written is given a snapshot',
    file: 'src/replication/primary/resume.ts',
    find: '(held) => held >= base',
    replace: '(held) => held > base',
    tests: ['test/replication/primary/bootstrap.test.ts'],
  },
  {
    name: 'any history takes the place of the keys that are held',
    file: 'src/replication/replica/foreign-history.ts',
    find: '    if (this.#isForeign) {\n',
    replace: '    if (this.#isForeign && keys === 0) {\n',
    tests: ['test/replication/replica/foreign-history.test.ts'],
  },
  {
    name: 'clients are answered before the frames of their writes leave',
    file: 'src/resp/reply-turn.ts',
    find: '    this.#publish();\n',
    replace: '    this.#timers.endOfTurn(() => this.#publish());\n',
    tests: ['test/resp/reply-turn.test.ts'],
  },
  {
    name: 'those who wait are not asked for again when the question was on its way',
    file: 'src/replication/primary/acknowledgements.ts',
    find: '    return this.#asksAgain;\n',
    replace: '    return false;\n',
    tests: ['test/replication/link/acks.test.ts'],
  },
  {
    name: 'the warning comes again at half of the backlog',
    file: 'src/replication/primary/window-watch.ts',
    find: 'const FORGOTTEN_FROM = 0.25;',
    replace: 'const FORGOTTEN_FROM = 0.5;',
    tests: ['test/replication/primary/window-watch.test.ts'],
  },
  {
    name: 'a probe hears nothing of what waits to be published',
    file: 'src/replication/primary/session.ts',
    find: '    if (isOurs) stream.flush();\n',
    replace: '',
    tests: ['test/replication/primary/status-answers.test.ts'],
  },
  {
    name: 'the watch of a link outlives its session',
    file: 'src/replication/primary/replica-link.ts',
    find: '    this.#watch.stop();\n',
    replace: '',
    tests: ['test/replication/link/link-watch.test.ts'],
  },
  {
    name: 'a snapshot ends before what it has shown is published',
    file: 'src/replication/primary/carousel.ts',
    find: '    this.#stream.flush();\n',
    replace: '',
    tests: ['test/replication/primary/carousel.test.ts'],
  },
  {
    name: 'a joiner leaves where the round began and not where it came in',
    file: 'src/replication/primary/carousel.ts',
    find: 'progress.endsAt = { round: round + 1, place };',
    replace: 'progress.endsAt = { round: round + 1, place: 0 };',
    tests: ['test/replication/primary/carousel.test.ts'],
  },
  {
    name: 'a queue that is exactly full is over its bound',
    file: 'src/replication/primary/subscriber.ts',
    find: 'this.#queuedBytes + bytes.length > maxQueueBytes',
    replace: 'this.#queuedBytes + bytes.length >= maxQueueBytes',
    tests: ['test/replication/primary/subscriber.test.ts'],
  },
  {
    name: 'WAIT is answered again with each later Ack',
    file: 'src/replication/primary/wait.ts',
    find: '    stopListening();\n',
    replace: '',
    tests: ['test/replication/link/acks.test.ts'],
  },
  {
    name: 'one replica fewer is listed than is promised',
    file: 'src/replication/primary/departed.ts',
    find: 'this.#departed.length > KEPT_MAX',
    replace: 'this.#departed.length >= KEPT_MAX',
    tests: ['test/replication/primary/departed.test.ts'],
  },
  {
    name: 'an Ack that was put off once is the last to be prompt',
    file: 'src/replication/link/ack-sender.ts',
    find: '    this.#isDue = false;\n    this.#sentAtUs',
    replace: '    this.#sentAtUs',
    tests: ['test/replication/link/acks.test.ts'],
  },
  {
    name: 'a chain may be a node longer than a margin has room for',
    file: 'src/replication/link/path.ts',
    find: 'path.length < NODES_MAX',
    replace: 'path.length <= NODES_MAX',
    tests: ['test/replication/link/cycles.test.ts'],
  },
  {
    name: 'a backlog serves across the frame before its first',
    file: 'src/replication/stream/shard-backlog.ts',
    find: 'this.#between(held, this.earliest - 1n) <= 0n',
    replace: 'this.#between(held, this.earliest - 1n) <= 1n',
    tests: ['test/replication/stream/backlog.test.ts'],
  },
  {
    name: 'who has left a stream is still handed frames',
    file: 'src/replication/stream/subscribers.ts',
    find: '      this.#subscribers.delete(subscriber);\n',
    replace: '',
    tests: ['test/replication/stream/publisher.test.ts'],
  },
];

const server: readonly PlantedBug[] = [
  {
    name: 'a recording breaks off when its primary is told to follow',
    file: 'src/server/leading.ts',
    find: '    for (const leave of this.#leaveOutputs.splice(0)) leave();\n',
    replace: '',
    tests: ['test/server/outputs.test.ts', ...roles],
  },
  {
    name: 'a client that WAITs stays open through a change of role',
    file: 'src/server/leading.ts',
    find: 'answer(UNBLOCKED, true);',
    replace: 'answer(UNBLOCKED);',
    tests: roles,
  },
  {
    name: 'a memory limit is forgotten by a promotion',
    file: 'src/server/leading.ts',
    find: '    limitMemory(settings, engine);\n',
    replace: '',
    tests: roles,
  },
  {
    name: 'writes need a replica more than was asked for',
    file: 'src/server/leading.ts',
    find: 'this.#goodReplicas() < this.#node.settings.minReplicas',
    replace: 'this.#goodReplicas() <= this.#node.settings.minReplicas',
    tests: ['test/resp/min-replicas.test.ts'],
  },
  {
    name: 'a promotion is announced as the end of a replica',
    file: 'src/server/following.ts',
    find: '    this.#hasLeft = true;\n',
    replace: '',
    tests: roles,
  },
  {
    name: 'loaded content that counts from 0 is taken for nothing by its replicas',
    file: 'src/server/load.ts',
    find: 'history.base === 0n ? { ...history, base: 1n } : history',
    replace: 'history',
    tests: ['test/server/load.test.ts'],
  },
  {
    name: 'what waits to be published is lost when a primary closes',
    file: 'src/server/node.ts',
    find: '    this.leading?.close();\n',
    replace: '',
    tests: ['test/server/primary.test.ts'],
  },
  {
    name: 'a recording does not say that a promoted history continues the one before',
    file: 'src/server/node.ts',
    find: "leading.joinOutputs(holding === undefined ? 'new' : 'promoted');",
    replace: "leading.joinOutputs('new');",
    tests: ['test/server/outputs.test.ts'],
  },
  {
    name: 'content that comes during a pause may change',
    file: 'src/server/node.ts',
    find: '    engine.setFrozen(this.#server?.isPaused ?? false);\n',
    replace: '',
    tests: ['test/resp/pause.test.ts'],
  },
  {
    name: 'another eviction policy takes no effect before the next start',
    file: 'src/server/settings.ts',
    find: "name.startsWith('maxmemory')",
    replace: "name === 'maxmemory'",
    tests: betweenSteps,
  },
];

const store: readonly PlantedBug[] = [
  {
    name: 'a scan passes by keys of tables that join',
    file: 'src/kernel/table/table.ts',
    find: '  store<u8>(segment, <u8>(own - 1), 13);\n  renew(segment);\n',
    replace: '  store<u8>(segment, <u8>(own - 1), 13);\n',
    tests: ['test/engine/scan.test.ts'],
  },
  {
    name: 'a scan passes by the entry that did not fit',
    file: 'src/kernel/table/scan.ts',
    find: '<< SLOT_BITS) | <u64>slot;',
    replace: '<< SLOT_BITS) | <u64>(slot + 1);',
    tests: ['test/engine/scan.test.ts'],
  },
  {
    name: 'a batch is sealed a record too late',
    file: 'src/kernel/store/batch.ts',
    find: 'records + 1 >= maxRecords',
    replace: 'records + 1 > maxRecords',
    tests: ['test/engine/emits.test.ts'],
  },
  {
    name: 'a replica evicts by itself',
    file: 'src/kernel/store/evict.ts',
    find: 'usedBytes() <= limit || isReplica || isFrozen',
    replace: 'usedBytes() <= limit || isFrozen',
    tests: ['test/engine/eviction.test.ts'],
  },
  {
    name: 'a record that comes twice is applied twice',
    file: 'src/kernel/payload/apply.ts',
    find: 'if (sequence <= sequenceOf(shard)) skipped++;',
    replace: 'if (sequence < sequenceOf(shard)) skipped++;',
    tests: ['test/engine/apply.test.ts'],
  },
  {
    name: 'expired keys are swept by the time of the last command',
    file: 'src/engine/shard-engine.ts',
    find: '    this.updateTime();\n    return this.kernel.exports.sweep(limit);',
    replace: '    return this.kernel.exports.sweep(limit);',
    tests: ['test/engine/expiry.test.ts'],
  },
  {
    name: 'what a replica has above its limit is evicted at once by its promotion',
    file: 'src/engine/shard-engine.ts',
    find: '    this.limitMemory(this.#memoryLimit);\n',
    replace: '',
    tests: ['test/engine/eviction.test.ts'],
  },
];

const protocol: readonly PlantedBug[] = [
  {
    name: 'the last records that were chosen of a batch are lost',
    file: 'src/frame/pick.ts',
    find: '  if (from !== -1) kept.push(payload.subarray(from));\n',
    replace: '',
    tests: ['test/frame/pick.test.ts'],
  },
  {
    name: 'a margin may name a thing twice',
    file: 'src/frame/margin.ts',
    find: ' || margin.has(name)',
    replace: '',
    tests: ['test/frame/hostile.test.ts'],
  },
  {
    name: 'who gave up connecting hears of it',
    file: 'src/transport/tcp.ts',
    find: 'if (!givenUp) handlers.onClose',
    replace: 'handlers.onClose',
    tests: ['test/transport/tcp.test.ts'],
  },
  {
    name: 'a state has its name before it is on the disk',
    file: 'src/files/state-file.ts',
    find: '      await file.sync();\n',
    replace: '',
    tests: ['test/files/state-file.test.ts'],
  },
  {
    name: 'a dump that is continued is emptied first',
    file: 'src/files/file-sink.ts',
    find: 'ftruncateSync(fd, kept?.bytes ?? 0)',
    replace: 'ftruncateSync(fd, 0)',
    tests: ['test/replication/outputs/recorder.test.ts'],
  },
];

const tools: readonly PlantedBug[] = [
  {
    name: 'a load keeps expired keys beyond the first 100,000',
    file: 'src/dump/fold/load.ts',
    find: 'swept > 0; swept = store.sweep(SWEPT_KEYS)) dropped += swept;',
    replace: 'swept > 0; swept = 0) dropped += swept;',
    tests: ['test/server/load.test.ts'],
  },
  {
    name: 'the record at the end of a part is left out of it',
    file: 'src/dump/choose/batch-limit.ts',
    find: 'getUint32(at, true) > limit.low',
    replace: 'getUint32(at, true) >= limit.low',
    tests: ['test/dump/fold/key-space-fold.test.ts', 'test/dump/library.test.ts'],
  },
  {
    name: 'a replay at twice the pace takes twice the time',
    file: 'src/replay/pacer.ts',
    find: '* 1000) / this.#pace.factor',
    replace: '* 1000) * this.#pace.factor',
    tests: ['test/replay/pacer.test.ts'],
  },
  {
    name: 'keys that are taken back still count against their bound',
    file: 'src/replay/lapsing-keys.ts',
    find: "this.#noted.delete(key.toString('latin1'))) this.#keyBytes -= key.length;",
    replace: "this.#noted.delete(key.toString('latin1'))) return;",
    tests: ['test/replay/lapsing-keys.test.ts'],
  },
  {
    name: 'text that looks like an escape is printed as it is',
    file: 'src/cli/terminal/escape.ts',
    find: '|\\p{Cs}|\\\\(?=x)/gu',
    replace: '|\\p{Cs}/gu',
    tests: ['test/cli/terminal/escape.test.ts'],
  },
  {
    name: 'a line that is cut is a column too wide',
    file: 'src/cli/terminal/columns.ts',
    find: 'if (columns < width) cut = shown;',
    replace: 'if (columns <= width) cut = shown;',
    tests: ['test/cli/terminal/columns.test.ts'],
  },
];

const clients: readonly PlantedBug[] = [
  {
    name: 'a transaction aborts for keys that one before it watched',
    file: 'src/resp/gate.ts',
    find: '    releaseWatched(client);\n',
    replace: '',
    tests: betweenSteps,
  },
  {
    name: 'EXEC writes on a node that has become a replica',
    file: 'src/resp/gate.ts',
    find: 'const writes = (effects & flagBits.write) !== 0;',
    replace: 'const writes = (flags & flagBits.write) !== 0;',
    tests: betweenSteps,
  },
  {
    name: 'what a pause has held back reads by the time before it',
    file: 'src/resp/client.ts',
    find: '    this.#host.window().engine.updateTime();\n',
    replace: '',
    tests: betweenSteps,
  },
  {
    name: 'a pause of all clients is weakened by one of writes',
    file: 'src/resp/server.ts',
    find: "before?.scope === 'all' ? 'all' : scope",
    replace: 'scope',
    tests: ['test/resp/pause.test.ts'],
  },
  {
    name: 'a lag is counted from what was sent',
    file: 'src/status/lag.ts',
    find: 'const held = acknowledged ?? watermarks;',
    replace: 'const held = watermarks;',
    tests: ['test/status/lag.test.ts'],
  },
  {
    name: 'the first offset of the backlog is one too low',
    file: 'src/status/replication-info.ts',
    find: 'offsetRecords - kept + 1n',
    replace: 'offsetRecords - kept',
    tests: ['test/server/relay.test.ts'],
  },
];

/** All that are planted, one at a time; those of the kernel, which take the longest, are last. */
export const bugs: readonly PlantedBug[] = [
  ...replication,
  ...server,
  ...clients,
  ...protocol,
  ...tools,
  ...store,
];
