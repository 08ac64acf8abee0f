// Chooses the commands that run in the kernel, by the length and the letters of their names. The host runs
// all others.
import { keyedHash } from '../keyed-hash';
import {
  COMMAND_APPEND,
  COMMAND_DECR,
  COMMAND_DECRBY,
  COMMAND_DEL,
  COMMAND_EXISTS,
  COMMAND_EXPIRE,
  COMMAND_EXPIREAT,
  COMMAND_GET,
  COMMAND_INCR,
  COMMAND_INCRBY,
  COMMAND_MGET,
  COMMAND_MSET,
  COMMAND_PERSIST,
  COMMAND_PEXPIRE,
  COMMAND_PEXPIREAT,
  COMMAND_PTTL,
  COMMAND_SET,
  COMMAND_STRLEN,
  COMMAND_TOUCH,
  COMMAND_TTL,
  COMMAND_UNLINK,
  COMMANDS,
  ENDED_REJECTED,
  NO_COMMAND,
  USE_COUNTED,
} from '../layout';
import { makeRoom, relieve } from '../store/evict';
import { runningCommand, setRunningCommand } from '../store/notes';
import { countUse, isSampling, nextUse } from '../store/sampled-uses';
import { isReplica, knownKey, knownKeyed } from '../store/store';
import { isTracking, noteRead } from '../store/trackers';
import { argc, argument, argumentLength, wordOf } from './arguments';
import { del, exists, expire, persist, touch, ttl } from './commands-keys';
import { append, get, increment, incrementBy, mget, mset, set, strlen } from './commands-strings';
import {
  beginCommand,
  DONE,
  ended,
  HANDED_OUT,
  OUT_OF_MEMORY,
  refuseForMemory,
  refuseOnReplica,
  wrongArity,
} from './outcome';

export { DONE, FULL, HANDED_OUT, wantedOutput } from './outcome';

let isLimited: bool = true;

// The first eight letters of the names, as little-endian words.
const SET: u64 = 0x746573;
const GET: u64 = 0x746567;
const DEL: u64 = 0x6c6564;
const TTL: u64 = 0x6c7474;
const MGET: u64 = 0x7465676d;
const MSET: u64 = 0x7465736d;
const INCR: u64 = 0x72636e69;
const DECR: u64 = 0x72636564;
const PTTL: u64 = 0x6c747470;
const TOUCH: u64 = 0x6863756f74;
const UNLINK: u64 = 0x6b6e696c6e75;
const EXISTS: u64 = 0x737473697865;
const INCRBY: u64 = 0x796272636e69;
const DECRBY: u64 = 0x796272636564;
const APPEND: u64 = 0x646e65707061;
const STRLEN: u64 = 0x6e656c727473;
const EXPIRE: u64 = 0x657269707865;
const PEXPIRE: u64 = 0x65726970786570;
const PERSIST: u64 = 0x74736973726570;
const EXPIREAT: u64 = 0x7461657269707865;
const PEXPIREA: u64 = 0x6165726970786570;

/** The commands that only read, a bit each. All their arguments are keys. */
const READS: u32 =
  (1 << COMMAND_GET) |
  (1 << COMMAND_MGET) |
  (1 << COMMAND_STRLEN) |
  (1 << COMMAND_EXISTS) |
  (1 << COMMAND_TOUCH) |
  (1 << COMMAND_TTL) |
  (1 << COMMAND_PTTL);

/** The commands all of whose arguments are keys, a bit each. */
const ALL_KEYS: u32 = READS | (1 << COMMAND_DEL) | (1 << COMMAND_UNLINK);

/** How often each command has run, by how it ended (ENDED_*), f64 each. */
const calls: usize = memory.data(504, 8);

/** Returns how often a command (COMMAND_*) has ended so (ENDED_*). */
export function callsOf(command: u32, end: u32): f64 {
  return command < <u32>COMMANDS && end < 3 ? load<f64>(callsAt(command, end)) : 0;
}

/** Returns the command that ran last since `forgetCommand`, or NO_COMMAND. */
export function lastCommand(): u32 {
  return runningCommand;
}

export function forgetCommand(): void {
  setRunningCommand(NO_COMMAND);
}

/** Runs the command in the argument table, or leaves it to the host; returns DONE, FULL or HANDED_OUT. */
export function runCommand(): i32 {
  beginCommand();
  let outcome = run();
  for (let attempt: u32 = 0; outcome === OUT_OF_MEMORY; attempt++) {
    outcome = relieve(attempt) ? run() : refuseForMemory();
  }
  if (outcome === DONE) {
    if (isTracking) noteReads();
    if (isSampling) noteUses();
    const at = callsAt(runningCommand, ended);
    store<f64>(at, load<f64>(at) + 1);
  }
  return outcome;
}

function run(): i32 {
  const length = argumentLength(0);
  const name = wordOf(0);
  switch (length) {
    case 3: {
      if (name === GET) return isCall(COMMAND_GET, argc === 2) ? get() : DONE;
      if (name === SET) return isGrowth(COMMAND_SET, argc >= 3) ? set() : DONE;
      if (name === DEL) return isWrite(COMMAND_DEL, argc >= 2) ? del() : DONE;
      if (name === TTL) return isCall(COMMAND_TTL, argc === 2) ? ttl(true) : DONE;
      break;
    }
    case 4: {
      if (name === MGET) return isCall(COMMAND_MGET, argc >= 2) ? mget() : DONE;
      if (name === MSET) return isGrowth(COMMAND_MSET, argc >= 3) ? mset() : DONE;
      if (name === INCR) return isGrowth(COMMAND_INCR, argc === 2) ? increment(1) : DONE;
      if (name === DECR) return isGrowth(COMMAND_DECR, argc === 2) ? increment(-1) : DONE;
      if (name === PTTL) return isCall(COMMAND_PTTL, argc === 2) ? ttl(false) : DONE;
      break;
    }
    case 5: {
      if (name === TOUCH) return isCall(COMMAND_TOUCH, argc >= 2) ? touch() : DONE;
      break;
    }
    case 6: {
      if (name === EXISTS) return isCall(COMMAND_EXISTS, argc >= 2) ? exists() : DONE;
      if (name === UNLINK) return isWrite(COMMAND_UNLINK, argc >= 2) ? del() : DONE;
      if (name === STRLEN) return isCall(COMMAND_STRLEN, argc === 2) ? strlen() : DONE;
      if (name === INCRBY) return isGrowth(COMMAND_INCRBY, argc === 3) ? incrementBy(false) : DONE;
      if (name === DECRBY) return isGrowth(COMMAND_DECRBY, argc === 3) ? incrementBy(true) : DONE;
      if (name === APPEND) return isGrowth(COMMAND_APPEND, argc === 3) ? append() : DONE;
      if (name === EXPIRE) return isWrite(COMMAND_EXPIRE, argc >= 3) ? expire(1000, true) : DONE;
      break;
    }
    case 7: {
      if (name === PEXPIRE) return isWrite(COMMAND_PEXPIRE, argc >= 3) ? expire(1, true) : DONE;
      if (name === PERSIST) return isWrite(COMMAND_PERSIST, argc === 2) ? persist() : DONE;
      break;
    }
    case 8: {
      if (name === EXPIREAT) return isWrite(COMMAND_EXPIREAT, argc >= 3) ? expire(1000, false) : DONE;
      break;
    }
    case 9: {
      if (name === PEXPIREA && (load<u8>(argument(0), 8) | 0x20) === 0x74) {
        return isWrite(COMMAND_PEXPIREAT, argc >= 3) ? expire(1, false) : DONE;
      }
      break;
    }
    default:
  }
  return HANDED_OUT;
}

/** Notes the keys that the client has read, whether they are there or not. */
function noteReads(): void {
  if (((READS >> runningCommand) & 1) === 0 || ended === ENDED_REJECTED) return;
  for (let i: u32 = 1; i < argc; i++) {
    const key = argument(i);
    const length = argumentLength(i);
    noteRead(key === knownKey ? knownKeyed : keyedHash(key, length), key, length);
  }
}

/** Has the uses of the command's keys counted, those whose turn it is. */
function noteUses(): void {
  if (ended === ENDED_REJECTED) return;
  const isAllKeys = ((ALL_KEYS >> runningCommand) & 1) !== 0;
  const step: u32 = isAllKeys ? 1 : runningCommand === COMMAND_MSET ? 2 : argc;
  for (let i: u32 = 1; i < argc; i += step) {
    if (nextUse() === USE_COUNTED) countUse(argument(i), argumentLength(i));
  }
}

/** Returns whether the command may run; when it may not, it has been replied to. */
function isCall(command: i32, hasArity: bool): bool {
  setRunningCommand(command);
  if (hasArity) return true;
  wrongArity();
  return false;
}

/** Returns what `isCall` does for a command that changes keys. */
function isWrite(command: i32, hasArity: bool): bool {
  if (!isCall(command, hasArity)) return false;
  if (!isReplica) return true;
  refuseOnReplica();
  return false;
}

/** Returns what `isWrite` does for a command that may need more memory, which Redis flags `denyoom`. */
function isGrowth(command: i32, hasArity: bool): bool {
  if (!isWrite(command, hasArity)) return false;
  if (!isLimited || makeRoom()) return true;
  refuseForMemory();
  return false;
}

/** Sets whether a write that may need more memory is refused beyond the memory limit. */
export function setLimited(limited: bool): void {
  isLimited = limited;
}

function callsAt(command: u32, end: u32): usize {
  return calls + ((<usize>(command * 3 + end)) << 3);
}
