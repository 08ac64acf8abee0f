// RESP: splits pipelined input into commands, runs the frequent ones here and hands out the rest.
import { keyedHash } from '../keyed-hash';
import {
  ARGUMENTS_MAX,
  INLINE_MAX_BYTES,
  MODE_HAND_OUT,
  MODE_NO_TOUCH,
  MODE_OVER_LIMIT,
  MODE_OWN_CHANGES,
  MODE_RESP3,
  MODE_TRACKER_SHIFT,
  MODE_TRACKING,
  MODE_UNAUTHENTICATED,
  PROTOCOL_BULK_LENGTH,
  PROTOCOL_EXPECTED_DOLLAR,
  PROTOCOL_INLINE_TOO_BIG,
  PROTOCOL_MULTIBULK_LENGTH,
  PROTOCOL_UNAUTHENTICATED_BULK,
  PROTOCOL_UNAUTHENTICATED_MULTIBULK,
  RESULT_ARGC,
  RESULT_ARGV,
  RESULT_COMMAND,
  RESULT_CONSUMED,
  RESULT_DETAIL,
  RESULT_FOUND_U64,
  RESULT_NEED,
  RESULT_OUTPUT,
  RESULT_RESUME_ARGS,
  RESULT_RESUME_AT,
  RUN_EMITTED_BYTES_MAX,
  STATUS_DONE,
  STATUS_EMITTED_MUCH,
  STATUS_HANDED_OUT,
  STATUS_INCOMPLETE,
  STATUS_INLINE,
  STATUS_OUTPUT_FULL,
  STATUS_OWN_CHANGE,
  STATUS_PROTOCOL_ERROR,
  UNAUTHENTICATED_ARGUMENT_BYTES_MAX,
  UNAUTHENTICATED_ARGUMENTS_MAX,
} from '../layout';
import { setResult } from '../result';
import { emittedBytes } from '../store/batch';
import { touchBucketOf, touchRecordOf } from '../store/places';
import { forgetHashes, knowHashes, setTouching } from '../store/store';
import { forgetOwnChange, hasOwnChange, setTracker } from '../store/trackers';
import { xxh3 } from '../xxh3';
import {
  argc,
  argument,
  argumentCapacity,
  argumentLength,
  argumentTable,
  growArguments,
  maxArgumentBytes,
  setArgument,
  setArguments,
} from './arguments';
import {
  FULL,
  forgetCommand,
  HANDED_OUT,
  lastCommand,
  runCommand,
  setLimited,
  wantedOutput,
} from './commands';
import { hasRoom, openOutput, outputBytes, setResp3 } from './reply';

/** Bytes of output that are free before each command: all replies without values fit into them. */
const REPLY_ROOM: u64 = 512;
/** The least that an argument takes: `$0\r\n\r\n`. */
const ARGUMENT_BYTES_MIN: usize = 6;
/** A number may have 18 digits: one more digit is read only behind a number up to this. */
const BEFORE_LAST_DIGIT_MAX: i64 = 99999999999999999;

/**
 * So many commands are parsed together, so that their waits for memory overlap; all but the first have few
 * arguments.
 */
const GROUP_MAX: u32 = 16;
const GROUP_ARGUMENTS: u32 = 64;
/**
 * For each command of the group: 0 where it starts, 4 where it ends, 8 its first entry in the argument table,
 * 12 argc, 16 XXH3-64 of
 * argument 1, 24 its keyed hash.
 */
const group: usize = memory.data(512, 8);
let grouped: u32 = 0;

const PARSED: i32 = -1;
const NOTHING: i32 = -2;

let handsOutAll: bool = false;
let isUnauthenticated: bool = false;
let endsAtOwnChange: bool = false;

/** The number that `readLine` read, and the end of its line. */
let lineEnd: usize = 0;
let lineValue: i64 = 0;

/** Sets how the next commands are taken, by the bits MODE_*. */
export function setMode(mode: u32): void {
  handsOutAll = (mode & MODE_HAND_OUT) !== 0;
  setResp3((mode & MODE_RESP3) !== 0);
  isUnauthenticated = (mode & MODE_UNAUTHENTICATED) !== 0;
  setLimited((mode & MODE_OVER_LIMIT) === 0);
  setTouching((mode & MODE_NO_TOUCH) === 0);
  setTracker(mode >> MODE_TRACKER_SHIFT, (mode & MODE_TRACKING) !== 0);
  endsAtOwnChange = (mode & MODE_OWN_CHANGES) !== 0;
  forgetOwnChange();
}

/**
 * Runs the commands in `input`, behind which INPUT_SLACK_BYTES are readable, into `output`; returns STATUS_*.
 */
export function execute(input: usize, length: usize, output: usize, outputLength: usize): i32 {
  openOutput(output, outputLength);
  forgetCommand();
  const end = input + length;
  const emittedMost = emittedBytes() + <f64>RUN_EMITTED_BYTES_MAX;
  let at = input;
  // The groups begin with one command and double, because a command that is handed out ends the call, and
  // whatever was parsed behind it has to be parsed again.
  let most: u32 = 1;
  while (at < end) {
    if (load<u8>(at) !== 0x2a)
      return hasRoom(REPLY_ROOM) ? inline(input, at, end) : full(at - input, REPLY_ROOM);
    const status = parseGroup(at, end, most);
    if (grouped === 0) {
      if (status !== NOTHING) return finish(status, at - input);
      at = lineEnd;
      continue;
    }
    if (grouped > 1) touchGroup();
    for (let i: u32 = 0; i < grouped; i++) {
      const entry = entryOf(i);
      const start: usize = load<u32>(entry);
      if (!hasRoom(REPLY_ROOM)) return full(start - input, REPLY_ROOM);
      if (emittedBytes() >= emittedMost) return finish(STATUS_EMITTED_MUCH, start - input);
      setArguments(load<u32>(entry, 8), load<u32>(entry, 12));
      if (argc > 1) knowHashes(argument(1), load<u64>(entry, 16), load<u64>(entry, 24));
      const outcome = handsOutAll ? HANDED_OUT : runCommand();
      if (outcome === FULL) return full(start - input, wantedOutput);
      at = load<u32>(entry, 4);
      if (outcome === HANDED_OUT) return handOut(STATUS_HANDED_OUT, at - input);
      if (hasOwnChange && endsAtOwnChange) return finish(STATUS_OWN_CHANGE, at - input);
    }
    if (!handsOutAll) most = min(most << 1, GROUP_MAX);
  }
  return finish(STATUS_DONE, length);
}

/**
 * Parses up to `most` commands from `at` on into the group; returns PARSED, or the status of what stands
 * behind them.
 */
function parseGroup(at: usize, end: usize, most: u32): i32 {
  let used: u32 = 0;
  let status = PARSED;
  for (grouped = 0; grouped < most && at < end && load<u8>(at) === 0x2a; grouped++) {
    status = parse(at, end, used);
    if (status !== PARSED) return status;
    const entry = entryOf(grouped);
    store<u32>(entry, <u32>at);
    store<u32>(entry, <u32>lineEnd, 4);
    store<u32>(entry, used, 8);
    store<u32>(entry, argc, 12);
    // Most commands have their key there.
    if (argc > 1) {
      store<u64>(entry, xxh3(argument(1), argumentLength(1)), 16);
      store<u64>(entry, keyedHash(argument(1), argumentLength(1)), 24);
    }
    used += argc;
    at = lineEnd;
  }
  return status;
}

function touchGroup(): void {
  for (let i: u32 = 0; i < grouped; i++) {
    const entry = entryOf(i);
    setArguments(load<u32>(entry, 8), load<u32>(entry, 12));
    if (argc > 1) touchBucketOf(argument(1), argumentLength(1), load<u64>(entry, 16), load<u64>(entry, 24));
  }
  for (let i: u32 = 0; i < grouped; i++) {
    const entry = entryOf(i);
    setArguments(load<u32>(entry, 8), load<u32>(entry, 12));
    if (argc > 1) touchRecordOf(argument(1), argumentLength(1), load<u64>(entry, 16), load<u64>(entry, 24));
  }
}

function entryOf(index: u32): usize {
  return group + ((<usize>index) << 5);
}

function finish(status: i32, consumed: usize): i32 {
  forgetHashes();
  setResult(RESULT_CONSUMED, <u32>consumed);
  setResult(RESULT_OUTPUT, outputBytes());
  setResult(RESULT_COMMAND, lastCommand());
  // Changes outside of a run belong to no command.
  forgetCommand();
  return status;
}

function full(consumed: usize, wanted: u64): i32 {
  setResult(RESULT_NEED, <u32>min<u64>(wanted, <u64>u32.MAX_VALUE));
  return finish(STATUS_OUTPUT_FULL, consumed);
}

function handOut(status: i32, consumed: usize): i32 {
  setResult(RESULT_ARGC, argc);
  setResult(RESULT_ARGV, <u32>argumentTable());
  return finish(status, consumed);
}

function fault(detail: i32): i32 {
  setResult(RESULT_DETAIL, detail);
  return STATUS_PROTOCOL_ERROR;
}

function incomplete(need: usize, resumeAt: usize, resumeArgs: u32): i32 {
  setResult(RESULT_NEED, <u32>need);
  setResult(RESULT_RESUME_AT, <u32>resumeAt);
  setResult(RESULT_RESUME_ARGS, resumeArgs);
  return STATUS_INCOMPLETE;
}

/**
 * Reads the number between `at` and a CRLF; returns PARSED, STATUS_INCOMPLETE, or NOTHING when it is no
 * number.
 */
function readLine(at: usize, end: usize): i32 {
  let value: i64 = 0;
  let digit = at;
  const negative = digit < end && load<u8>(digit) === 0x2d;
  if (negative) digit++;
  const first = digit;
  for (; digit < end; digit++) {
    const byte = load<u8>(digit);
    if (byte === 0x0d) {
      if (digit === first) return NOTHING;
      if (digit + 1 >= end) return STATUS_INCOMPLETE;
      lineValue = negative ? -value : value;
      lineEnd = digit + 2;
      return PARSED;
    }
    const number = <u32>byte - 0x30;
    if (number > 9 || value > BEFORE_LAST_DIGIT_MAX) return NOTHING;
    // In Redis `01` and `-0` are no numbers either.
    if (value === 0 && (digit > first || (negative && number === 0))) return NOTHING;
    value = value * 10 + number;
  }
  return STATUS_INCOMPLETE;
}

/**
 * Reads the command at `at` into the argument table from its entry `first` on; `lineEnd` is then its end.
 * Returns PARSED or a status, and NOTHING for a command with many arguments that is not the first of its
 * group.
 */
function parse(at: usize, end: usize, first: u32): i32 {
  const line = readLine(at + 1, end);
  if (line === NOTHING) return fault(PROTOCOL_MULTIBULK_LENGTH);
  if (line !== PARSED) return incomplete(end - at + 1, 0, 0);
  if (lineValue <= 0) return NOTHING;
  if (isUnauthenticated && lineValue > UNAUTHENTICATED_ARGUMENTS_MAX)
    return fault(PROTOCOL_UNAUTHENTICATED_MULTIBULK);
  if (lineValue > ARGUMENTS_MAX) return fault(PROTOCOL_MULTIBULK_LENGTH);
  const count = <u32>lineValue;
  if (first !== 0 && (count > GROUP_ARGUMENTS || first + count > argumentCapacity)) return NOTHING;
  // Before the table grows for many arguments, they must all be there.
  if (count > 1024) {
    const whole = checkComplete(at, lineEnd, end, count);
    if (whole !== PARSED) return whole;
    // The check has moved on from the first line.
    const status = readLine(at + 1, end);
    if (status !== PARSED || !growArguments(count)) return fault(PROTOCOL_MULTIBULK_LENGTH);
  }
  for (let i: u32 = 0; i < count; i++) {
    const status = readArgument(at, lineEnd, end, count - i);
    if (status !== PARSED) return status;
    setArgument(first + i, lineEnd - 2 - <usize>lineValue, <u32>lineValue);
  }
  setArguments(first, count);
  return PARSED;
}

/** Passes over one argument: afterwards `lineValue` is its length and `lineEnd` the end of its CRLF. */
function readArgument(command: usize, at: usize, end: usize, left: u32): i32 {
  if (at >= end) return incomplete(at - command + <usize>left * ARGUMENT_BYTES_MIN, at - command, left);
  if (load<u8>(at) !== 0x24) {
    setResult(RESULT_FOUND_U64, load<u8>(at));
    return fault(PROTOCOL_EXPECTED_DOLLAR);
  }
  const line = readLine(at + 1, end);
  if (line === NOTHING) return fault(PROTOCOL_BULK_LENGTH);
  if (line !== PARSED) return incomplete(end - command + 1, at - command, left);
  if (lineValue < 0) return fault(PROTOCOL_BULK_LENGTH);
  if (isUnauthenticated && lineValue > UNAUTHENTICATED_ARGUMENT_BYTES_MAX)
    return fault(PROTOCOL_UNAUTHENTICATED_BULK);
  if (lineValue > maxArgumentBytes) return fault(PROTOCOL_BULK_LENGTH);
  if (lineValue + 2 > <i64>(end - lineEnd)) {
    const need = lineEnd - command + <usize>lineValue + 2 + <usize>(left - 1) * ARGUMENT_BYTES_MIN;
    return incomplete(need, at - command, left);
  }
  lineEnd += <usize>lineValue + 2;
  return PARSED;
}

function checkComplete(command: usize, at: usize, end: usize, left: u32): i32 {
  lineEnd = at;
  for (; left > 0; left--) {
    const status = readArgument(command, lineEnd, end, left);
    if (status !== PARSED) return status;
  }
  return PARSED;
}

/** Hands out a line that is no RESP array, without its line break. */
function inline(input: usize, at: usize, end: usize): i32 {
  const limit = min(end, at + <usize>INLINE_MAX_BYTES);
  let newline = at;
  while (newline < limit && load<u8>(newline) !== 0x0a) newline++;
  if (newline === limit) {
    if (limit - at >= <usize>INLINE_MAX_BYTES) return finish(fault(PROTOCOL_INLINE_TOO_BIG), at - input);
    return finish(incomplete(end - at + 1, 0, 0), at - input);
  }
  const bare = newline > at && load<u8>(newline - 1) === 0x0d ? newline - 1 : newline;
  setArgument(0, at, <u32>(bare - at));
  setArguments(0, 1);
  return handOut(STATUS_INLINE, newline + 1 - input);
}
