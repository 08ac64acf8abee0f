// What a command in place comes to, and the replies that many share.
import { argument, argumentLength } from './arguments';
import { replyError, replyErrorAboutCommand } from './reply';

/** The command has run and replied. */
export const DONE: i32 = 0;
/** Its reply needs `wantedOutput` bytes of room, which there are not; nothing has changed. */
export const FULL: i32 = 1;
/** It is the host's. */
export const HANDED_OUT: i32 = 2;
/** Memory is exhausted; nothing has changed and nothing been replied. */
export const OUT_OF_MEMORY: i32 = 3;

export let wantedOutput: u64 = 0;

export function full(wanted: u64): i32 {
  wantedOutput = wanted;
  return FULL;
}

export function failed(text: string): i32 {
  replyError(text);
  return DONE;
}

export function wrongArity(): i32 {
  replyErrorAboutCommand("ERR wrong number of arguments for '", argument(0), argumentLength(0));
  return DONE;
}

export function refuseForMemory(): i32 {
  return failed("OOM command not allowed when used memory > 'maxmemory'.");
}

export function syntaxError(): i32 {
  return failed('ERR syntax error');
}

export function notAnInteger(): i32 {
  return failed('ERR value is not an integer or out of range');
}

export function invalidExpireTime(): i32 {
  replyErrorAboutCommand("ERR invalid expire time in '", argument(0), argumentLength(0));
  return DONE;
}
