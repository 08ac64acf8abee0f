/** WAIT and WAITAOF: they wait until what has been written so far is where it is to be. */
import type { Timers } from '../../clock.js';
import type { Publisher } from '../stream/publisher.js';
import type { ReplicaListener } from './listener.js';

/** The writes that are waited for, and the replicas whose acknowledgements count. */
export interface WaitOptions {
  timers: Timers;
  publisher: Publisher;
  listener: Pick<ReplicaListener, 'acknowledged' | 'ask' | 'onAck'>;
}

/** The writes that are waited for, and the disks of this server and of its replicas. */
export interface DiskWaitOptions {
  timers: Timers;
  publisher: Publisher;
  listener: Pick<ReplicaListener, 'synced' | 'ask' | 'onAck'>;
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
  const { publisher, listener } = options;
  const target = publisher.store.watermarks();
  const there = () => listener.acknowledged(target);
  const isEnough = () => there() >= replicas;
  return waitUntil(options, isEnough, timeoutMs, () => done(there())).cancel;
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
  const { publisher, listener, disk } = options;
  publisher.flush();
  const target = publisher.store.watermarks();
  let isWritten = disk.isSynced;
  let isOver = false;
  let stopSyncs = () => {};
  const isHere = () => isWritten || disk.isSynced;
  const there = () => listener.synced(target);
  const isEnough = () => (!isLocal || isHere()) && there() >= replicas;
  const end = () => {
    isOver = true;
    stopSyncs();
  };
  const wait = waitUntil(options, isEnough, timeoutMs, () => {
    end();
    done(isHere(), there());
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

/** One wait. */
interface Wait {
  /** Ends it if there is enough. */
  look(): void;
  /** Gives it up. */
  cancel(): void;
}

const ENDED: Wait = { look() {}, cancel() {} };

function waitUntil(
  {
    timers,
    listener,
  }: Pick<DiskWaitOptions, 'timers'> & { listener: Pick<ReplicaListener, 'ask' | 'onAck'> },
  isEnough: () => boolean,
  timeoutMs: number,
  done: () => void,
): Wait {
  if (isEnough()) {
    done();
    return ENDED;
  }
  const look = () => {
    if (isEnough()) finish();
  };
  const stopListening = listener.onAck(look);
  listener.ask();
  const timer = timeoutMs === 0 ? undefined : timers.after(timeoutMs, () => finish());
  const cancel = () => {
    stopListening();
    timer?.cancel();
  };
  const finish = () => {
    cancel();
    done();
  };
  return { look, cancel };
}
