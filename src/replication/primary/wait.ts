/** WAIT and WAITAOF: they wait until what has been written so far is where it is to be. */
import type { Timers } from '../../clock.js';
import type { Publisher } from '../stream/publisher.js';
import { hasAll } from '../watermarks.js';
import type { AckedReplica } from './acknowledgements.js';
import type { ReplicaListener } from './listener.js';

/** The writes that are waited for, and the replicas whose acknowledgements count. */
export interface WaitOptions {
  timers: Timers;
  publisher: Publisher;
  listener: Pick<ReplicaListener, 'replicasThat' | 'ask' | 'onAck'>;
}

/** The writes that are waited for, and the disks of this server and of its replicas. */
export interface DiskWaitOptions extends WaitOptions {
  disk: {
    /** Whether all that was published is on the disk, and counts there. */
    readonly isSynced: boolean;
    /** Calls `run` when all that is published now is on the disk, or with false when that has failed. */
    whenSynced(run: (isSynced: boolean) => void): void;
    /** Calls `run` each time when there is more on the disk; returns what ends that. */
    onSynced(run: () => void): () => void;
  };
}

/**
 * Calls `done` once, perhaps at once, with how many replicas have acknowledged: when they are `replicas`, or
 * after `timeoutMs` (0: never). Returns what gives up the wait.
 */
export function waitForReplicas(
  options: WaitOptions,
  replicas: number,
  timeoutMs: number,
  done: (acknowledged: number) => void,
): () => void {
  const target = options.publisher.store.watermarks();
  const counted = new CountedReplicas(options, replicas, ({ acknowledged }) => hasAll(acknowledged, target));
  return waitUntil(options, counted, () => true, timeoutMs, done).cancel;
}

/**
 * Calls `done` once, perhaps at once, with whether all is on the disk here and on how many replicas' disks:
 * when it is there, if `isLocal`, and on `replicas` of them, or after `timeoutMs` (0: never). Returns what
 * gives up the wait.
 */
export function waitForDisks(
  options: DiskWaitOptions,
  { isLocal, replicas }: { isLocal: boolean; replicas: number },
  timeoutMs: number,
  done: (isHere: boolean, replicas: number) => void,
): () => void {
  const { publisher, disk } = options;
  publisher.flush();
  const target = publisher.store.watermarks();
  let isWritten = disk.isSynced;
  let isOver = false;
  let stopSyncs = () => {};
  const isHere = () => isWritten || disk.isSynced;
  const counted = new CountedReplicas(options, replicas, ({ synced }) => hasAll(synced, target));
  const end = () => {
    isOver = true;
    stopSyncs();
  };
  const isEnoughHere = () => !isLocal || isHere();
  const wait = waitUntil(options, counted, isEnoughHere, timeoutMs, (count) => {
    end();
    done(isHere(), count);
  });
  if (isOver) return wait.cancel;
  const look = () => {
    if (!isOver) wait.look();
  };
  stopSyncs = disk.onSynced(look);
  if (isLocal && !isWritten) {
    disk.whenSynced((isSynced) => {
      isWritten = isSynced;
      look();
    });
  }
  return () => {
    end();
    wait.cancel();
  };
}

/**
 * Counts the replicas that have what is waited for. However many wait, an acknowledgement has each look at
 * the one replica that it is of: all are looked at only when they can be enough.
 */
class CountedReplicas {
  readonly #listener: WaitOptions['listener'];
  readonly #wanted: number;
  readonly #isThere: (replica: AckedReplica) => boolean;
  /** Those that are there, and perhaps some that have left since. */
  #known: Set<AckedReplica>;

  constructor({ listener }: WaitOptions, wanted: number, isThere: (replica: AckedReplica) => boolean) {
    this.#listener = listener;
    this.#wanted = wanted;
    this.#isThere = isThere;
    this.#known = this.#find();
  }

  /** Returns how many are there, if that is as many as are wanted; otherwise undefined. */
  enough(): number | undefined {
    if (this.#known.size < this.#wanted) return undefined;
    this.#known = this.#find();
    return this.#known.size < this.#wanted ? undefined : this.#known.size;
  }

  /** Looks at a replica that has acknowledged something; returns whether it is there, and was not before. */
  comes(replica: AckedReplica): boolean {
    if (this.#known.has(replica) || !this.#isThere(replica)) return false;
    this.#known.add(replica);
    return true;
  }

  /** Returns how many are there. */
  count(): number {
    return this.#find().size;
  }

  #find(): Set<AckedReplica> {
    return new Set(this.#listener.replicasThat(this.#isThere));
  }
}

/** One wait. */
interface Wait {
  /** Ends it if there is enough. */
  look(): void;
  /** Gives it up. */
  cancel(): void;
}

const ENDED: Wait = { look() {}, cancel() {} };

function waitUntil(
  { timers, listener }: WaitOptions,
  counted: CountedReplicas,
  isEnoughHere: () => boolean,
  timeoutMs: number,
  done: (count: number) => void,
): Wait {
  const enough = () => (isEnoughHere() ? counted.enough() : undefined);
  const before = enough();
  if (before !== undefined) {
    done(before);
    return ENDED;
  }
  const look = () => {
    const count = enough();
    if (count !== undefined) finish(count);
  };
  const stopListening = listener.onAck((replica) => {
    if (counted.comes(replica)) look();
  });
  listener.ask();
  const timer = timeoutMs === 0 ? undefined : timers.after(timeoutMs, () => finish(counted.count()));
  const cancel = () => {
    stopListening();
    timer?.cancel();
  };
  const finish = (count: number) => {
    cancel();
    done(count);
  };
  return { look, cancel };
}
