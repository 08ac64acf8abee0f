// Which commands run in place, by the length and the letters of their names. Everything else is the host's.
import { argc, argument, argumentLength, wordOf } from './arguments';
import { del, exists, expire, persist, ttl } from './commands-keys';
import { append, get, increment, incrementBy, mget, mset, set, strlen } from './commands-strings';
import { makeRoom, relieve } from './evict';
import { failed, HANDED_OUT, OUT_OF_MEMORY, refuseForMemory, wrongArity } from './outcome';
import { isReplica } from './store';

export { DONE, FULL, HANDED_OUT, wantedOutput } from './outcome';

// Names as little-endian words, the first eight letters.
const SET: u64 = 0x746573;
const GET: u64 = 0x746567;
const DEL: u64 = 0x6c6564;
const TTL: u64 = 0x6c7474;
const MGET: u64 = 0x7465676d;
const MSET: u64 = 0x7465736d;
const INCR: u64 = 0x72636e69;
const DECR: u64 = 0x72636564;
const PTTL: u64 = 0x6c747470;
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

/** Runs the command in the argument table, or leaves it to the host. */
export function runCommand(): i32 {
  let outcome = dispatch();
  for (let attempt: u32 = 0; outcome === OUT_OF_MEMORY; attempt++) {
    if (!relieve(attempt)) return refuseForMemory();
    outcome = dispatch();
  }
  return outcome;
}

function dispatch(): i32 {
  const length = argumentLength(0);
  const name = wordOf(0);
  switch (length) {
    case 3: {
      if (name === GET) return argc === 2 ? get() : wrongArity();
      if (name === SET) return argc < 3 ? wrongArity() : mayGrow() ? set() : refuse();
      if (name === DEL) return argc < 2 ? wrongArity() : isReplica ? readOnly() : del();
      if (name === TTL) return argc === 2 ? ttl(true) : wrongArity();
      break;
    }
    case 4: {
      if (name === MGET) return argc < 2 ? wrongArity() : mget();
      if (name === MSET) return argc < 3 || (argc & 1) === 0 ? wrongArity() : mayGrow() ? mset() : refuse();
      if (name === INCR) return argc !== 2 ? wrongArity() : mayGrow() ? increment(1) : refuse();
      if (name === DECR) return argc !== 2 ? wrongArity() : mayGrow() ? increment(-1) : refuse();
      if (name === PTTL) return argc === 2 ? ttl(false) : wrongArity();
      break;
    }
    case 6: {
      if (name === EXISTS) return argc < 2 ? wrongArity() : exists();
      if (name === STRLEN) return argc === 2 ? strlen() : wrongArity();
      if (name === INCRBY) return argc !== 3 ? wrongArity() : mayGrow() ? incrementBy(false) : refuse();
      if (name === DECRBY) return argc !== 3 ? wrongArity() : mayGrow() ? incrementBy(true) : refuse();
      if (name === APPEND) return argc !== 3 ? wrongArity() : mayGrow() ? append() : refuse();
      if (name === EXPIRE) return argc < 3 ? wrongArity() : isReplica ? readOnly() : expire(1000, true);
      break;
    }
    case 7: {
      if (name === PEXPIRE) return argc < 3 ? wrongArity() : isReplica ? readOnly() : expire(1, true);
      if (name === PERSIST) return argc !== 2 ? wrongArity() : isReplica ? readOnly() : persist();
      break;
    }
    case 8: {
      if (name === EXPIREAT) return argc < 3 ? wrongArity() : isReplica ? readOnly() : expire(1000, false);
      break;
    }
    case 9: {
      if (name === PEXPIREA && (load<u8>(argument(0), 8) | 0x20) === 0x74) {
        return argc < 3 ? wrongArity() : isReplica ? readOnly() : expire(1, false);
      }
      break;
    }
    default:
  }
  return HANDED_OUT;
}

/** Of a command that Redis flags `denyoom`. */
function mayGrow(): bool {
  return !isReplica && makeRoom();
}

function refuse(): i32 {
  return isReplica ? readOnly() : refuseForMemory();
}

function readOnly(): i32 {
  return failed("READONLY You can't write against a read only replica.");
}
